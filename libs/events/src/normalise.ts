import type { ForgeType, Problem, Result } from '@sluice/model';
import { bitbucketShapeProblem, normaliseBitbucket } from './bitbucket.ts';
import { fieldsOf } from './fields.ts';
import type { GitEvent } from './git-event.ts';
import { asGithub, normaliseGitea } from './gitea.ts';
import { normaliseGithub, shapeProblem } from './github.ts';
import { gitlabShapeProblem, normaliseGitlab } from './gitlab.ts';

/** A delivery as received: the forge it came from is known by its route, never by its headers. */
export type Delivery = {
  readonly forge: ForgeType;
  /** Name of the event, as in `X-GitHub-Event`, `X-Gitlab-Event`, `X-Gitea-Event`, `X-Event-Key`. */
  readonly event: string;
  /** The forge's id of the delivery. */
  readonly delivery: string;
  /** The parsed body. */
  readonly payload: unknown;
};

/** One event of any forge in one form. Reads only the fields it needs and never throws; problems name the field. */
export function normalise({ forge, event, delivery, payload }: Delivery): Result<GitEvent> {
  switch (forge) {
    case 'github':
    case 'local':
      return normaliseGithub(event, delivery, payload);
    case 'gitea':
      return normaliseGitea(event, delivery, payload);
    case 'gitlab':
      return normaliseGitlab(event, delivery, payload);
    case 'bitbucket':
      return normaliseBitbucket(event, delivery, payload);
    default:
      return forge satisfies never;
  }
}

/** Does the body belong to the claimed event? Cheap enough to ask before a delivery is accepted. */
export function checkShape({
  forge,
  event,
  payload,
}: Pick<Delivery, 'forge' | 'event' | 'payload'>): Result<undefined> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    const problem = { code: 'BadPayload', severity: 'error', message: 'the body must be a JSON object' } as const;
    return { ok: false, problems: [problem] };
  }
  const problem = shapeOf(forge, event, payload);
  return problem ? { ok: false, problems: [problem] } : { ok: true, value: undefined };
}

function shapeOf(forge: ForgeType, event: string, payload: object): Problem | undefined {
  switch (forge) {
    case 'github':
    case 'local':
      return shapeProblem(event, fieldsOf(payload));
    case 'gitea':
      return shapeProblem(event, fieldsOf(asGithub(event, payload)));
    case 'gitlab':
      return gitlabShapeProblem(event, fieldsOf(payload));
    case 'bitbucket':
      return bitbucketShapeProblem(event, fieldsOf(payload));
    default:
      return forge satisfies never;
  }
}
