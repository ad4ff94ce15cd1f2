import type { JsonInput } from './api-input.ts';
import { type Forge, Refusal, repoLock, timestamp } from './forge-context.ts';
import {
  type Annotation,
  type CheckRecord,
  type DeploymentRecord,
  maxDeploymentHistory,
  type RepoRecord,
} from './records.ts';

const conclusions = ['success', 'failure', 'cancelled', 'neutral', 'skipped', 'timed_out', 'action_required'] as const;
const states = ['queued', 'pending', 'in_progress', 'success', 'failure', 'error', 'inactive'] as const;
const longestText = 65_535;
const maxChecksPerCommit = 1_000;
const maxDeployments = 1_000;
const maxAnnotations = 200;

/** Store what a reporter says about a commit, replacing what it said before under this external id. */
export function putCheck(
  forge: Forge,
  repo: RepoRecord,
  { sha, externalId }: { readonly sha: string; readonly externalId: string },
  input: JsonInput,
): Promise<CheckRecord> {
  return forge.lock.run(repoLock(repo), async () => {
    await requireCommit(forge, repo, sha);
    const before = forge.state.check(repo.id, sha, externalId);
    if (!before && forge.state.checks(repo.id, sha).length >= maxChecksPerCommit) {
      throw new Refusal(422, 'TooManyChecks', `commit ${sha} has ${maxChecksPerCommit} checks already`);
    }
    const status = input.word('status', ['queued', 'in_progress', 'completed']) ?? 'queued';
    const conclusion = input.word('conclusion', conclusions);
    if ((status === 'completed') !== (conclusion !== undefined)) {
      throw new Refusal(422, 'BadField', 'conclusion belongs to status completed, and only to it');
    }
    const check: CheckRecord = {
      externalId,
      sha,
      name: input.requiredText('name', 255),
      status,
      title: input.text('title', 255) ?? '',
      summary: input.text('summary', longestText) ?? '',
      ...given({
        conclusion,
        text: input.text('text', longestText),
        annotations: input.objects('annotations', maxAnnotations)?.map(toAnnotation),
        startedAt: time(input, 'startedAt'),
        completedAt: time(input, 'completedAt'),
        detailsUrl: input.text('detailsUrl', 2_000),
      }),
      updatedAt: timestamp(forge),
    };
    await forge.state.commit([forge.state.putCheck(repo.id, check)]);
    return check;
  });
}

/** Store the state of a deployment; earlier states stay in its history. */
export function putDeployment(
  forge: Forge,
  repo: RepoRecord,
  externalId: string,
  input: JsonInput,
): Promise<DeploymentRecord> {
  return forge.lock.run(repoLock(repo), async () => {
    const before = forge.state.deployment(repo.id, externalId);
    if (!before && forge.state.deployments(repo.id).length >= maxDeployments) {
      throw new Refusal(
        422,
        'TooManyDeployments',
        `repository ${repo.name} keeps at most ${maxDeployments} deployments`,
      );
    }
    const sha = input.requiredText('sha', 40);
    await requireCommit(forge, repo, sha);
    const state = input.word('state', states);
    if (!state) throw new Refusal(422, 'BadField', `state is required: one of ${states.join(', ')}`);
    const description = input.text('description', 1_000) ?? '';
    const at = timestamp(forge);
    const changed = before?.state !== state || before.description !== description;
    const history = [...(before?.history ?? []), ...(changed ? [{ state, description, at }] : [])];
    const counter = `deployment/${repo.id}`;
    const id = before?.id ?? forge.state.counter(counter) + 1;
    const deployment: DeploymentRecord = {
      externalId,
      id,
      sha,
      ref: input.requiredText('ref', 1_000),
      environment: input.requiredText('environment', 255),
      state,
      description,
      ...given({ environmentUrl: input.text('environmentUrl', 2_000), logUrl: input.text('logUrl', 2_000) }),
      createdAt: before?.createdAt ?? at,
      updatedAt: at,
      history: history.slice(-maxDeploymentHistory),
    };
    await forge.state.commit([
      forge.state.putDeployment(repo.id, deployment),
      ...(before ? [] : [forge.state.putCounter(counter, id)]),
    ]);
    return deployment;
  });
}

async function requireCommit(forge: Forge, repo: RepoRecord, sha: string): Promise<void> {
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new Refusal(422, 'BadField', 'sha must be a full commit id of 40 hex digits');
  if ((await forge.open(repo).commitOf(sha)) !== sha) {
    throw new Refusal(422, 'CommitNotFound', `repository ${repo.name} has no commit ${sha}`);
  }
}

function toAnnotation(input: JsonInput): Annotation {
  const startLine = input.positive('startLine') ?? 1;
  return {
    path: input.requiredText('path', 4_096),
    startLine,
    endLine: input.positive('endLine') ?? startLine,
    level: input.word('level', ['notice', 'warning', 'failure']) ?? 'failure',
    message: input.requiredText('message', longestText),
    ...given({
      title: input.text('title', 255),
      startColumn: input.positive('startColumn'),
      endColumn: input.positive('endColumn'),
    }),
  };
}

function time(input: JsonInput, field: string): string | undefined {
  const text = input.text(field, 40);
  if (text !== undefined && Number.isNaN(Date.parse(text))) {
    throw new Refusal(422, 'BadField', `${field} must be an RFC 3339 time`);
  }
  return text;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that are not undefined. */
function given<T extends Record<string, unknown>>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
