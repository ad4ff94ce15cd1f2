import { Cron } from 'croner';

/** Runs of a schedule that have come due. `tooMany`: so many were missed that only the last is told. */
export type DueRuns = {
  readonly lastDue: Date | undefined;
  readonly tooMany: boolean;
  readonly next: Date | undefined;
};

const maxMissed = 100;

/** A five-field schedule or a macro such as @daily, in a time zone (that of UTC by default). Throws for text that is neither. */
export function parseSchedule(schedule: string, timeZone = 'Etc/UTC'): Cron {
  const text = schedule.trim();
  if (!text.startsWith('@') && text.split(/\s+/).length !== 5) throw new Error('a schedule has five fields');
  return new Cron(text, { paused: true, timezone: timeZone, mode: '5-part' });
}

/** What came due after one time and until another. */
export function dueRuns(cron: Cron, afterMs: number, nowMs: number): DueRuns {
  const next = cron.nextRun(new Date(nowMs)) ?? undefined;
  const missed = cron.nextRuns(maxMissed + 1, new Date(afterMs)).filter((run) => run.getTime() <= nowMs);
  if (missed.length <= maxMissed) return { lastDue: missed.at(-1), tooMany: false, next };
  const [last] = cron.previousRuns(1, new Date(nowMs + 1));
  return { lastDue: last, tooMany: true, next };
}
