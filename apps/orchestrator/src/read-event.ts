import {
  type DeliveryJob,
  type MergeGroupEvent,
  normalise,
  type PullRequestEvent,
  type PushEvent,
} from '@sluice/events';
import { formatProblems, TerminalError, type Repository } from '@sluice/model';
import type { TriggerEvent } from '@sluice/trigger';
import type { AskedEvent } from './obey-command.ts';

/** What a delivery turns out to be. `ignored` ones start nothing, on purpose. */
export type EventReading =
  | { readonly event: TriggerEvent }
  | { readonly asked: AskedEvent }
  | { readonly look: true }
  | { readonly ignored: string };

/** Make an event of a verified delivery. Throws TerminalError for a body that no retry will mend. */
export function readEvent(job: DeliveryJob, { spec }: Repository): EventReading {
  const payload = parseBody(job.body);
  const forge = spec?.forge.type ?? 'local';
  const result = normalise({ forge, event: job.event, delivery: job.delivery, payload });
  if (!result.ok) throw new TerminalError('BadPayload', formatProblems(result.problems));
  const event = result.value;
  if (event.kind === 'ping') return { ignored: 'the forge only checks that we are here' };
  if (event.kind === 'ignored') return { ignored: event.reason };
  const { fullName } = event.repository;
  const expected = spec?.forge.repository ?? '';
  if (forge !== 'local' && fullName.toLowerCase() !== expected.toLowerCase()) {
    throw new TerminalError('WrongRepository', `the delivery is about ${fullName}, the route belongs to ${expected}`);
  }
  switch (event.kind) {
    case 'push':
      return { event: fromPush(event) };
    case 'pull_request':
      return { event: fromPullRequest(event) };
    case 'merge_group':
      return { event: fromMergeGroup(event) };
    case 'comment':
    case 'button':
      return { asked: event };
    case 'look':
      return { look: true };
    default:
      return event satisfies never;
  }
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(Buffer.from(body, 'base64').toString('utf8'));
  } catch (error) {
    throw new TerminalError('BadPayload', 'the body of the delivery is not JSON', { cause: error });
  }
}

function fromPush({ ref, before, after, created, deleted, message }: PushEvent): TriggerEvent {
  return {
    kind: 'push',
    ref,
    sha: after,
    deleted,
    ...(created ? {} : { before }),
    ...(message === undefined ? {} : { message }),
  };
}

function fromPullRequest(event: PullRequestEvent): TriggerEvent {
  const { number, sha, baseBranch, baseSha, draft, fork, headBranch, action, author } = event;
  return {
    kind: 'pull_request',
    number,
    sha,
    baseRef: `refs/heads/${baseBranch}`,
    baseSha,
    draft,
    fork,
    open: action !== 'closed',
    ...(fork ? {} : { headRef: `refs/heads/${headBranch}` }),
    ...(author ? { author } : {}),
  };
}

function fromMergeGroup({ headRef, sha, baseRef, baseSha }: MergeGroupEvent): TriggerEvent {
  return { kind: 'merge_group', ref: headRef, sha, baseRef, baseSha };
}
