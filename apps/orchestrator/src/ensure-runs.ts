import { keys, resources, TerminalError, type KubeObject, type Repository } from '@sluice/model';
import { compile, parsePipelines, type CompiledWorkflow, type Pipeline } from '@sluice/pipeline';
import { isKubeError } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import {
  configShaOf,
  decideRuns,
  mayDeploy,
  needsChangedPaths,
  problemsCheck,
  refOf,
  skippedCheck,
  type DecidedRun,
  type TriggerEvent,
} from '@sluice/trigger';
import type { OrchestratorConfig } from './config.ts';
import { followHeads } from './followed-heads.ts';
import type { Head, OrchestratorPorts } from './ports.ts';
import type { OpenRepository } from './repository-access.ts';
import { headsPatch, patchHeads } from './repository-status.ts';

/** One event to be turned into runs. */
export type RunRequest = {
  readonly open: OpenRepository;
  readonly event: TriggerEvent;
  readonly delivery?: string;
  readonly log: Log;
};

export type EnsureRuns = (request: RunRequest, signal: AbortSignal) => Promise<void>;

const pipelineDirectory = '.sluice/';
const noCommit = /^0+$/;
/** Workflows created at a time. */
const batchSize = 8;

/**
 * Make the world such that the event has been handled: its Workflows exist, the forge knows what is wrong with the pipeline
 * files and what was left out, and the head is recorded. Doing it again changes nothing. To be called for one repository
 * at a time.
 */
export function createEnsureRuns(config: OrchestratorConfig, ports: OrchestratorPorts): EnsureRuns {
  const nextOrder = createOrder(() => ports.now());

  return async function ensureRuns(request, signal) {
    const { open, event, delivery, log } = request;
    const { forge } = open;
    const heads = once(() => forge.listHeads(signal));
    await ensureBaseline(ports, open, event, heads, signal);
    if (event.kind === 'push' && event.deleted)
      return patchHeads(ports, open, headsPatch({ [event.ref]: null }), signal);
    if (event.kind === 'pull_request' && !event.open)
      return patchHeads(ports, open, headsPatch({ [refOf(event)]: null }), signal);

    refuseLongIds(event);
    const { decision, problems, seen } = await decide(open, event, heads, signal);
    const order = nextOrder();
    await inBatches(decision.runs, async (run) => {
      const context = contextOf({ open, event: seen, run, order, config, ...(delivery ? { delivery } : {}) });
      await ensureWorkflow(ports, request, compile(run.pipeline, context), signal);
    });
    for (const { pipeline, reason, code } of decision.skipped) {
      log.info('pipeline not run', { pipeline: pipeline.name, sha: event.sha, code, reason });
    }
    const check = configShaOf(event) === event.sha ? problemsCheck(event.sha, problems) : undefined;
    if (check) await forge.upsertCheck(check, signal);
    for (const { pipeline, reason, code, visible } of decision.skipped) {
      if (visible)
        await forge.upsertCheck(
          skippedCheck({ pipeline: pipeline.name, sha: event.sha, event: event.kind, reason, code }),
          signal,
        );
    }
    await patchHeads(ports, open, headsPatch({ [refOf(event)]: event.sha }), signal);
  };
}

type Heads = () => Promise<readonly Head[]>;

/** Read the commit's pipelines and decide. One fetch; the forge is asked for its heads only where something depends on it. */
async function decide(open: OpenRepository, event: TriggerEvent, heads: Heads, signal: AbortSignal) {
  const { mirror } = open;
  const configSha = configShaOf(event);
  await mirror.ensureCommits([...new Set([configSha, event.sha])], signal);
  const [message, files] = await Promise.all([
    mirror.readMessage(event.sha, signal),
    mirror.readTree(configSha, pipelineDirectory, signal),
  ]);
  const { pipelines, problems } = parsePipelines(files);
  const seen = await withHeadRef({ ...event, message }, pipelines, heads);
  const current =
    !mayDeploy(seen, pipelines) || (await heads()).some(({ ref, sha }) => ref === refOf(seen) && sha === seen.sha);
  const base = needsChangedPaths(seen, pipelines) ? await baseOf(seen, open, heads) : undefined;
  const changedPaths = base === undefined ? 'unknown' : await mirror.changedPaths(base, seen.sha, signal);
  return { decision: decideRuns<Pipeline>({ event: seen, pipelines, changedPaths, current }), problems, seen };
}

/** A pull request's source branch counts only where the forge really has such a branch at this commit. */
async function withHeadRef(event: TriggerEvent, pipelines: readonly Pipeline[], heads: Heads): Promise<TriggerEvent> {
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
  readonly open: OpenRepository;
  readonly event: TriggerEvent;
  readonly run: DecidedRun<Pipeline>;
  readonly order: number;
  readonly config: OrchestratorConfig;
  readonly delivery?: string;
};

function contextOf({ open, event, run, order, config, delivery }: ContextParts): Parameters<typeof compile>[1] {
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
    ...(event.kind === 'pull_request' ? { pullRequest: event.number } : {}),
    ...(delivery ? { delivery } : {}),
    ...(config.toolsImage ? { toolsImage: config.toolsImage } : {}),
  };
}

/** Create the Workflow. One of the same name that is the same run counts as created. */
async function ensureWorkflow(
  { kube }: OrchestratorPorts,
  { open, event, log }: RunRequest,
  workflow: CompiledWorkflow,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = '', labels = {} } = workflow.metadata;
  const facts = { workflow: name, pipeline: labels[keys.pipeline], sha: event.sha };
  try {
    await kube.create(resources.workflows, workflow as KubeObject, { signal });
    return log.info('workflow created', facts);
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
  }
  const found = await kube.get(resources.workflows, { namespace, name }, signal);
  if (!found) throw new Error(`workflow ${name} was removed while it was being created`);
  if (!isSameRun(found, workflow)) {
    throw new TerminalError(
      'NameTaken',
      `Workflow ${namespace}/${name} exists and is not a run of repository ${open.key.name}; delete it`,
    );
  }
  if (event.kind === 'push' && hasReturned(open.repository, event)) await renew(kube, found, workflow, signal);
  log.info('workflow existed', facts);
}

function isSameRun(found: KubeObject, wanted: KubeObject): boolean {
  const of = ({ metadata: { labels = {}, annotations = {} } }: KubeObject): unknown[] => [
    labels[keys.repository],
    labels[keys.pipeline],
    labels[keys.sha],
    annotations[keys.triggerKey],
  ];
  return JSON.stringify(of(found)) === JSON.stringify(of(wanted));
}

/** Whether the ref was recorded elsewhere since: it went from this commit to another and back. */
function hasReturned({ status }: Repository, event: { readonly ref: string; readonly sha: string }): boolean {
  const recorded = status?.heads?.[event.ref];
  return recorded !== undefined && recorded !== event.sha;
}

/** A commit that is pushed again after another one is not tested again, but what it deploys is newest now. */
async function renew(
  kube: OrchestratorPorts['kube'],
  found: KubeObject,
  wanted: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { [keys.deploy]: deploy, [keys.order]: order } = wanted.metadata.annotations ?? {};
  if (deploy === undefined) return;
  const annotations = { [keys.deploy]: deploy, [keys.order]: order, [keys.released]: null };
  const { name, namespace = '', uid } = found.metadata;
  await kube.patch(
    resources.workflows,
    { namespace, name },
    { type: 'merge', body: { metadata: { uid, annotations } } },
    { signal },
  );
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

/** Numbers that grow, also when the clock goes back while the program runs. */
function createOrder(now: () => number): () => number {
  let last = 0;
  return () => (last = Math.max(now(), last + 1));
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
