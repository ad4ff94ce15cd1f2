import { TerminalError, type KubeObject, type Problem, type Repository } from '@sluice/model';
import { compile, parsePipelines, type AnyPipeline } from '@sluice/pipeline';
import type { Log } from '@sluice/runtime';
import {
  checkIdOf,
  configShaOf,
  decideRuns,
  mayDeploy,
  needsChangedPaths,
  problemsCheck,
  refOf,
  skippedCheck,
  type RunRequest,
  type TriggerDecision,
  type TriggerEvent,
} from '@sluice/trigger';
import { validateManifest } from '@sluice/workflow';
import type { OrchestratorConfig } from './config.ts';
import { cancelPull } from './cancel-runs.ts';
import { ensureWorkflow } from './ensure-workflow.ts';
import { followHeads } from './followed-heads.ts';
import { forkAnswerOf, forkPolicyOf } from './fork-trust.ts';
import type { Head, OrchestratorPorts } from './ports.ts';
import type { OpenRepository } from './repository-access.ts';
import { headsPatch, patchHeads } from './repository-status.ts';
import { grantRuns, type GrantedRun } from './grant-runs.ts';

/** One event to be turned into runs. */
export type EventRequest = {
  readonly open: OpenRepository;
  readonly event: TriggerEvent;
  /** Somebody asked for it in so many words. */
  readonly asked?: RunRequest;
  /** What the forge has been asked for already. */
  readonly heads?: readonly Head[];
  readonly delivery?: string;
  readonly log: Log;
};

/** What became of an event. */
export type EventOutcome = Pick<TriggerDecision<AnyPipeline>, 'runs' | 'skipped'>;

export type EnsureRuns = (request: EventRequest, signal: AbortSignal) => Promise<EventOutcome>;

const checkManifest = (manifest: KubeObject): readonly Problem[] =>
  validateManifest(manifest, { lint: true, unknownFields: 'error' });
const pipelineDirectory = '.sluice/';
const noCommit = /^0+$/;
const nothing: EventOutcome = { runs: [], skipped: [] };
/** Workflows created at a time. */
const batchSize = 8;

type Parts = {
  readonly config: OrchestratorConfig;
  readonly ports: OrchestratorPorts;
  /** Gives numbers that grow. */
  readonly nextOrder: () => number;
};

/**
 * Make the world such that the event has been handled: its Workflows exist, the forge knows what is wrong with the pipeline
 * files and what was left out, and the head is recorded. Doing it again changes nothing. To be called for one repository
 * at a time.
 */
export function createEnsureRuns({ config, ports, nextOrder }: Parts): EnsureRuns {
  return async function ensureRuns(request, signal) {
    const { open, event, delivery } = request;
    const heads = once(async () => request.heads ?? (await open.forge.listHeads(signal)));
    await ensureBaseline(ports, open, event, heads, signal);
    if (event.kind === 'push' && event.deleted) return forget(request, event.ref, signal);
    if (event.kind === 'pull_request' && !event.open) {
      await cancelPull(ports, open, event.number, signal);
      return forget(request, refOf(event), signal);
    }
    refuseLongIds(event);
    const { decision, problems, seen } = await decide(request, heads, signal);
    const { allowed, refused } = grantRuns(open, seen, decision.runs);
    const skipped = [...decision.skipped, ...refused];
    const order = nextOrder();
    const returned = event.kind === 'push' && hasReturned(open.repository, event);
    await inBatches(allowed, async (run) => {
      const context = contextOf({ request, event: seen, run, order, config, ...(delivery ? { delivery } : {}) });
      await ensureWorkflow(ports, { ...request, returned }, compile(run.pipeline, context), signal);
    });
    await reportLeftOut(request, skipped, problems, signal);
    await patchHeads(ports, open, headsPatch({ [refOf(event)]: event.sha }), signal);
    return { runs: allowed, skipped };
  };

  async function forget({ open }: EventRequest, ref: string, signal: AbortSignal): Promise<EventOutcome> {
    await patchHeads(ports, open, headsPatch({ [ref]: null }), signal);
    return nothing;
  }
}

/** Tell the forge what is wrong with the pipeline files, and which pipelines were left out for a reason that people see. */
async function reportLeftOut(
  { open, event, asked, log }: EventRequest,
  skipped: EventOutcome['skipped'],
  problems: readonly Problem[],
  signal: AbortSignal,
): Promise<void> {
  const { forge, repository } = open;
  for (const { pipeline, reason, code } of skipped) {
    log.info('pipeline not run', { pipeline: pipeline.name, sha: event.sha, code, reason });
  }
  const check = configShaOf(event) === event.sha ? problemsCheck(event.sha, problems) : undefined;
  if (check) await forge.upsertCheck(check, signal);
  // A request that leaves something out is answered itself.
  for (const { pipeline, reason, code, visible } of asked ? [] : skipped) {
    if (!visible) continue;
    const about = { pipeline: pipeline.name, sha: event.sha, check: checkIdOf(event, pipeline.name), reason, code };
    await forge.upsertCheck(skippedCheck({ ...about, approvable: forkPolicyOf(repository) === 'approve' }), signal);
  }
}

type Heads = () => Promise<readonly Head[]>;

/** Read the commit's pipelines and decide. One fetch; the forge is asked for its heads only where something depends on it. */
async function decide({ open, event: given, asked }: EventRequest, heads: Heads, signal: AbortSignal) {
  const { mirror } = open;
  const event = await withBase(given, heads);
  const configSha = configShaOf(event);
  await mirror.ensureCommits([...new Set([configSha, event.sha])], signal);
  const [message, files] = await Promise.all([
    mirror.readMessage(event.sha, signal),
    mirror.readTree(configSha, pipelineDirectory, signal),
  ]);
  const { pipelines, problems } = parsePipelines(files, checkManifest);
  const seen = await withHeadRef({ ...event, message }, pipelines, heads);
  const current =
    !mayDeploy(seen, pipelines) || (await heads()).some(({ ref, sha }) => ref === refOf(seen) && sha === seen.sha);
  const base = needsChangedPaths(seen, pipelines) ? await baseOf(seen, open, heads) : undefined;
  const changedPaths = base === undefined ? 'unknown' : await mirror.changedPaths(base, seen.sha, signal);
  const fork = await forkAnswerOf(open, seen, signal);
  const request = asked ? { request: asked } : {};
  const input = { event: seen, pipelines, changedPaths, current, ...(fork ? { fork } : {}), ...request };
  return { decision: decideRuns<AnyPipeline>(input), problems, seen };
}

/** GitLab does not say which commit the target branch is at: the heads do. */
async function withBase(event: TriggerEvent, heads: Heads): Promise<TriggerEvent> {
  if (event.kind !== 'pull_request' || !noCommit.test(event.baseSha)) return event;
  const base = (await heads()).find(({ ref }) => ref === event.baseRef);
  if (base) return { ...event, baseSha: base.sha };
  throw new TerminalError(
    'BranchNotFound',
    `the target branch ${event.baseRef} of pull request ${event.number} is gone`,
  );
}

/** A pull request's source branch counts only where the forge really has such a branch at this commit. */
async function withHeadRef(
  event: TriggerEvent,
  pipelines: readonly AnyPipeline[],
  heads: Heads,
): Promise<TriggerEvent> {
  if (event.kind !== 'pull_request' || event.headRef === undefined) return event;
  const { headRef, ...rest } = event;
  if (!pipelines.some(({ on }) => on.push && on.pullRequest)) return rest;
  const pushed = (await heads()).some(({ ref, sha }) => ref === headRef && sha === event.sha);
  return pushed ? event : rest;
}

/** What changed paths are counted from: the commit before, the target branch, or for a new branch the default one. */
async function baseOf(event: TriggerEvent, { repository }: OpenRepository, heads: Heads): Promise<string | undefined> {
  if (event.kind !== 'push') return event.baseSha;
  if (event.before && !noCommit.test(event.before)) return event.before;
  const defaultRef = `refs/heads/${repository.spec?.defaultBranch ?? ''}`;
  return event.ref === defaultRef ? undefined : (await heads()).find(({ ref }) => ref === defaultRef)?.sha;
}

type ContextParts = {
  readonly request: EventRequest;
  readonly event: TriggerEvent;
  readonly run: GrantedRun;
  readonly order: number;
  readonly config: OrchestratorConfig;
  readonly delivery?: string;
};

function contextOf({ request, event, run, order, config, delivery }: ContextParts): Parameters<typeof compile>[1] {
  const { open, asked } = request;
  return {
    repository: open.key.name,
    repositoryUid: open.uid,
    namespace: open.key.namespace,
    registry: config.registry,
    cloneUrl: open.repository.spec?.url ?? '',
    sha: event.sha,
    ref: refOf(event),
    event: event.kind,
    triggerKey: run.triggerKey,
    trust: run.trust,
    order,
    deploys: run.deploys,
    secrets: run.secrets,
    ...(event.kind === 'pull_request' ? { pullRequest: event.number } : {}),
    ...(event.kind === 'pull_request' && !asked ? { check: checkIdOf(event, run.pipeline.name) } : {}),
    ...(delivery ? { delivery } : {}),
    ...(config.toolsImage ? { toolsImage: config.toolsImage } : {}),
  };
}

/** Whether the ref was recorded elsewhere since: it went from this commit to another and back. */
function hasReturned({ status }: Repository, event: { readonly ref: string; readonly sha: string }): boolean {
  const recorded = status?.heads?.[event.ref];
  return recorded !== undefined && recorded !== event.sha;
}

/** The first sight of a repository: what is there counts as handled, but for the ref that the event is about. */
async function ensureBaseline(
  ports: OrchestratorPorts,
  open: OpenRepository,
  event: TriggerEvent,
  heads: Heads,
  signal: AbortSignal,
): Promise<void> {
  if (open.repository.status?.heads) return;
  const { followed } = followHeads(await heads(), {}, open.repository.spec?.defaultBranch ?? '');
  const others = followed.filter(({ ref }) => ref !== refOf(event)).map(({ ref, sha }) => [ref, sha]);
  await patchHeads(ports, open, headsPatch(Object.fromEntries(others)), signal);
}

/** Do something for each, a few at a time. What fails keeps nothing of its batch from being done; the first failure is thrown. */
async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += batchSize) {
    const results = await Promise.allSettled(items.slice(from, from + batchSize).map(work));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= read());
}

/** Labels hold 63 characters; ids of SHA-256 repositories have 64. */
function refuseLongIds({ sha }: TriggerEvent): void {
  if (/^[0-9a-f]{40}$/.test(sha)) return;
  throw new TerminalError(
    'ObjectFormatNotSupported',
    `commit id ${sha.slice(0, 64)} is not a SHA-1; repositories of the SHA-256 format are not supported`,
  );
}
