/** What GitHub counts a request for: reading one point, writing five, of 900 a minute. */
export function pointsOf(method: string): number {
  return /^(?:GET|HEAD|OPTIONS)$/i.test(method) ? 1 : 5;
}

export type BudgetOptions = {
  /** Points in a minute; the default leaves GitHub's own limit of 900 some room. */
  readonly pointsPerMinute?: number;
  readonly now: () => number;
  /** Rejects when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
};

/** Spends points in the order in which they are asked for. */
export type RequestBudget = { take(points: number, signal?: AbortSignal): Promise<void> };

const minuteMs = 60_000;
const defaultPoints = 840;

/** A budget for all that signs in alike: no minute, wherever it begins, holds more points than that. */
export function createRequestBudget({ pointsPerMinute = defaultPoints, now, sleep }: BudgetOptions): RequestBudget {
  let spent: { readonly atMs: number; readonly points: number }[] = [];
  let last: Promise<void> = Promise.resolve();
  async function spend(points: number, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      spent = spent.filter(({ atMs }) => atMs > now() - minuteMs);
      const total = spent.reduce((sum, entry) => sum + entry.points, 0);
      const [oldest] = spent;
      if (total + points <= pointsPerMinute || !oldest) break;
      await sleep(Math.max(1, oldest.atMs + minuteMs - now()), signal);
    }
    spent.push({ atMs: now(), points });
  }
  return {
    take(points, signal) {
      const mine = last.then(() => spend(points, signal));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}
