import type { CheckReport } from '@sluice/model';
import { shorten } from './github-statuses.ts';

/** What a forge that has only commit statuses is told of a check: one word and one line. */
export type PlainStatus = {
  readonly context: string;
  readonly state: 'pending' | 'running' | 'success' | 'failure' | 'cancelled';
  readonly description: string;
};

/** The nearest status: what must not block a merge is a success, what waits for somebody is pending. */
export function toPlainStatus(check: CheckReport): PlainStatus {
  const context = `sluice/${check.name}`.slice(0, 255);
  return { context, state: stateOf(check), description: shorten(check.title, 140) };
}

function stateOf({ status, conclusion }: CheckReport): PlainStatus['state'] {
  if (status === 'queued') return 'pending';
  if (status === 'in_progress') return 'running';
  switch (conclusion) {
    case 'success':
    case 'neutral':
    case 'skipped':
      return 'success';
    case 'cancelled':
      return 'cancelled';
    case 'action_required':
      return 'pending';
    case 'failure':
    case 'timed_out':
    case undefined:
      return 'failure';
    default:
      return conclusion satisfies never;
  }
}

const remembered = 2_000;

/** Remembers what was said last about each status, so that it is not said again. */
export function createSaid(): { isSaid(key: string, text: string): boolean; say(key: string, text: string): void } {
  const said = new Map<string, string>();
  return {
    isSaid: (key, text) => said.get(key) === text,
    say(key, text) {
      said.delete(key);
      said.set(key, text);
      const [oldest] = said.keys();
      if (said.size > remembered && oldest !== undefined) said.delete(oldest);
    },
  };
}
