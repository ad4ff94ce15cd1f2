/** An expression that cannot be compiled; the message has the place and the line as Kubernetes writes them. */
export class CelCompileError extends Error {
  override readonly name = 'CelCompileError';
}

/** A refusal while an expression is evaluated: a missing key, a number out of range, a wrong type. `||` and `&&` may pass over it. */
export class CelError extends Error {
  override readonly name = 'CelError';
}

/** The evaluation was cut off because it became too expensive. Nothing passes over it. */
export class CelCostError extends Error {
  override readonly name = 'CelCostError';
}

/** The compile error of a place in an expression. */
export function errorAt(text: string, offset: number, message: string): CelCompileError {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = Array.from(before.slice(before.lastIndexOf('\n') + 1)).length;
  const source = (text.split('\n')[line - 1] ?? '').slice(0, 400);
  return new CelCompileError(
    `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${source}\n | ${'.'.repeat(Math.min(column, 400))}^`,
  );
}

/** Counts what evaluations cost and cuts them off. */
export type Meter = {
  spend(cost: number): void;
  /** As `spend`, but only for the first use of the key. */
  spendOnce(key: string, cost: number): void;
};

/** A meter that ends an evaluation once `limit` is spent. */
export function meterOf(limit: number): Meter & { readonly spent: number } {
  let spent = 0;
  const paid = new Set<string>();
  const spend = (cost: number): void => {
    spent += cost;
    if (spent > limit) throw new CelCostError('operation cancelled: actual cost limit exceeded');
  };
  return {
    get spent() {
      return spent;
    },
    spend,
    spendOnce(key, cost) {
      if (paid.has(key)) return;
      paid.add(key);
      spend(cost);
    },
  };
}
