import type { Result } from '@sluice/model';
import { fieldsOf } from './fields.ts';
import type { GitEvent } from './git-event.ts';
import { normaliseGithub, shapeProblem } from './github.ts';

/** A delivery as received: the forge it came from is known by its route, never by its headers. */
export type Delivery = {
  readonly forge: 'github' | 'local';
  /** Name of the event, as in `X-GitHub-Event`. */
  readonly event: string;
  /** The forge's id of the delivery. */
  readonly delivery: string;
  /** The parsed body. */
  readonly payload: unknown;
};

/** One event of any forge in one form. Reads only the fields it needs and never throws; problems name the field. */
export function normalise({ event, delivery, payload }: Delivery): Result<GitEvent> {
  // Both forges speak GitHub's shapes.
  return normaliseGithub(event, delivery, payload);
}

/** Does the body belong to the claimed event? Cheap enough to ask before a delivery is accepted. */
export function checkShape({ event, payload }: Pick<Delivery, 'forge' | 'event' | 'payload'>): Result<undefined> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    const problem = { code: 'BadPayload', severity: 'error', message: 'the body must be a JSON object' } as const;
    return { ok: false, problems: [problem] };
  }
  const problem = shapeProblem(event, fieldsOf(payload));
  return problem ? { ok: false, problems: [problem] } : { ok: true, value: undefined };
}
