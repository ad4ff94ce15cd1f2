/** When an expression was refused: while it was read and checked, or while it ran. */
export type ExprPhase = 'compile' | 'run';

/** Why an expression has no value. `offset` counts UTF-16 units from 0 in the source. */
export class ExprError extends Error {
  override readonly name = 'ExprError';
  readonly phase: ExprPhase;
  readonly offset: number;
  constructor(phase: ExprPhase, message: string, offset: number) {
    super(message);
    this.phase = phase;
    this.offset = offset;
  }
}

/** `message (line:column)` as expr-lang shows it. */
export function describeError(error: ExprError, source: string): string {
  const before = source.slice(0, error.offset);
  const line = before.split('\n').length;
  const column = error.offset - (before.lastIndexOf('\n') + 1) + 1;
  return `${error.message} (${line}:${column})`;
}
