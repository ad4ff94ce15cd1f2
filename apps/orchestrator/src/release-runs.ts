import {
  keys,
  keyText,
  resources,
  type DeployRequest,
  type Environment,
  type HelmRelease,
  type KubeObject,
} from '@sluice/model';
import { buildRelease, releaseObjectName, type ReleasedRun, type ReleaseObjects } from '@sluice/pipeline';
import type { Informer, KubeApi, Reconcile } from '@sluice/reconcile';
import { refusedDeployment, type ReportedWorkflow } from '@sluice/trigger';
import type { OrchestratorConfig } from './config.ts';
import type { OrchestratorPorts } from './ports.ts';
import type { OpenRepository, RepositoryAccess } from './repository-access.ts';
import { KeyedLock } from './keyed-lock.ts';

type WorkflowObject = KubeObject & ReportedWorkflow;

type Parts = {
  readonly config: OrchestratorConfig;
  readonly ports: OrchestratorPorts;
  readonly access: RepositoryAccess;
  readonly workflows: Informer;
};

/** What became of one deploy request. `Waiting` ones are looked at again. */
type Outcome = 'Applied' | 'Superseded' | 'Refused' | 'Waiting';

const fieldManager = 'sluice-orchestrator';
const waitMs = 30_000;

/**
 * Reconciles a succeeded Workflow that asks for deployments with the HelmReleases that these are, and marks it when all are
 * done. A release that carries a newer run is left alone.
 */
export function createReleaser({ config, ports, access, workflows }: Parts): Reconcile {
  /** Refusals that the forge was told of already, by run, while the run still waits. */
  const told = new Map<string, Set<string>>();
  /** Two runs for one release are compared and applied one after the other, or the older could come last. */
  const lock = new KeyedLock();

  return async (key, signal) => {
    const workflow = workflows.get(key) as WorkflowObject | undefined;
    const run = workflow && releasableRun(workflow);
    if (!workflow || !run) {
      told.delete(keyText(key));
      return {};
    }
    const open = await access.open({ namespace: run.namespace, name: run.repository }, signal);
    if (!open || open.repository.spec?.suspend) return {};
    const outcomes: Record<string, Outcome> = {};
    for (const request of requestsOf(workflow)) {
      const name = releaseObjectName(request);
      outcomes[name] = await lock.run(`${run.namespace}/${name}`, () => release(open, request, run, signal));
    }
    if (Object.values(outcomes).includes('Waiting')) return { requeueAfterMs: waitMs };
    const annotations = { [keys.released]: JSON.stringify(outcomes) };
    // The version guards against a push of the same commit that asks for its release once more meanwhile.
    const { uid, resourceVersion } = workflow.metadata;
    const body = { metadata: { uid, resourceVersion, annotations } };
    await ports.kube.patch(resources.workflows, key, { type: 'merge', body }, { signal });
    return {};
  };

  async function release(
    open: OpenRepository,
    request: DeployRequest,
    run: ReleasedRun,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { kube } = ports;
    const key = { namespace: run.namespace, name: releaseObjectName(request) };
    const log = ports.log.with({
      release: key.name,
      environment: request.environment,
      sha: run.sha,
      workflow: run.workflow,
    });
    const present = await kube.get<HelmRelease>(resources.helmReleases, key, signal);
    if (present && orderOf(present) > run.order) {
      log.info('release superseded', { by: present.metadata.annotations?.[keys.workflow] });
      return 'Superseded';
    }
    const foreign = present && foreignReason(present, request, run);
    if (foreign) return await refuse(open, request, run, foreign, signal);
    const environment = await kube.get<Environment>(
      resources.environments,
      { namespace: run.namespace, name: request.environment },
      signal,
    );
    if (!environment?.spec) {
      const reason = `There is no Environment "${request.environment}" in namespace ${run.namespace}; create it and the release follows`;
      await refuse(open, request, run, reason, signal);
      return 'Waiting';
    }
    const { namespace, release: template } = environment.spec;
    const built = buildRelease(request, run, {
      namespace,
      insecure: config.registryInsecure,
      ...(template ? { template } : {}),
    });
    if (!built.ok) return await refuse(open, request, run, built.reason, signal);
    await applyRelease(kube, built, present, signal);
    log.info('release applied', { order: run.order });
    return 'Applied';
  }

  async function refuse(
    open: OpenRepository,
    request: DeployRequest,
    run: ReleasedRun,
    reason: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const id = releaseObjectName(request);
    const runKey = keyText({ namespace: run.namespace, name: run.workflow });
    const known = told.get(runKey) ?? new Set();
    if (known.has(`${id}: ${reason}`)) return 'Refused';
    const { deployment, check } = refusedDeployment(
      { environment: request.environment, sha: run.sha, ref: run.ref, id },
      reason,
    );
    await open.forge.upsertDeployment(deployment, signal);
    await open.forge.upsertCheck(check, signal);
    told.set(runKey, known.add(`${id}: ${reason}`));
    ports.log.warn('release refused', { release: id, environment: request.environment, sha: run.sha, reason });
    return 'Refused';
  }
}

type Built = Extract<ReleaseObjects, { ok: true }>;

/** Source, then release, then away with the sources of earlier charts. Repeating it changes nothing. */
async function applyRelease(
  kube: KubeApi,
  { source, release }: Built,
  present: HelmRelease | undefined,
  signal: AbortSignal,
): Promise<void> {
  const applySource = (owner: KubeObject): Promise<KubeObject> => {
    const { apiVersion, kind, metadata } = owner;
    const reference = { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' };
    const owned = { ...source, metadata: { ...source.metadata, ownerReferences: [reference] } };
    return kube.apply(resources.ociRepositories, owned, { fieldManager, signal });
  };
  if (present) await applySource(present);
  else await kube.apply(resources.ociRepositories, source, { fieldManager, signal });
  const applied = await kube.apply<HelmRelease>(resources.helmReleases, release, { fieldManager, signal });
  // Only now does a first release have a uid to be owned by.
  if (!present) await applySource(applied);
  const { namespace = '', labels = {} } = source.metadata;
  const labelSelector = [keys.repository, keys.environment].map((key) => `${key}=${labels[key] ?? ''}`).join(',');
  const { items } = await kube.list(resources.ociRepositories, { namespace, labelSelector, signal });
  for (const { metadata } of items) {
    const earlier =
      metadata.annotations?.[keys.release] === applied.metadata.name && metadata.name !== source.metadata.name;
    if (earlier) await kube.delete(resources.ociRepositories, { namespace, name: metadata.name }, { signal });
  }
}

/** The run of a Workflow that has something to release and has not done so. */
function releasableRun({ metadata, status }: WorkflowObject): ReleasedRun | undefined {
  const { labels = {}, annotations = {}, name, namespace = '' } = metadata;
  const repository = labels[keys.repository];
  const sha = labels[keys.sha];
  const wanted = annotations[keys.deploy] !== undefined && annotations[keys.released] === undefined;
  const trusted = annotations[keys.trust] === 'trusted' && labels[keys.event] === 'push';
  if (!wanted || !trusted || status?.phase !== 'Succeeded' || repository === undefined || sha === undefined)
    return undefined;
  const parameters = status.outputs?.parameters ?? [];
  const outputs = Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.value ?? '']));
  return {
    repository,
    namespace,
    sha,
    ref: annotations[keys.ref] ?? '',
    workflow: name,
    order: orderOf({ metadata }),
    outputs,
  };
}

/** Written by ourselves, so only its being JSON is checked. */
function requestsOf({ metadata }: WorkflowObject): readonly DeployRequest[] {
  const parsed: unknown = JSON.parse(metadata.annotations?.[keys.deploy] ?? '[]');
  return Array.isArray(parsed) ? (parsed as DeployRequest[]) : [];
}

function orderOf({ metadata }: Pick<KubeObject, 'metadata'>): number {
  const order = Number(metadata.annotations?.[keys.order]);
  return Number.isSafeInteger(order) ? order : Date.parse(metadata.creationTimestamp ?? '') || 0;
}

/** A HelmRelease of this name that we did not make for this repository and environment is not overwritten. */
function foreignReason({ metadata }: HelmRelease, request: DeployRequest, run: ReleasedRun): string | undefined {
  const { [keys.repository]: repository, [keys.environment]: environment } = metadata.labels ?? {};
  if (repository === run.repository && environment === request.environment) return undefined;
  const owner =
    repository === undefined ? 'somebody else' : `repository ${repository}, environment ${environment ?? 'unknown'}`;
  return `HelmRelease ${run.namespace}/${metadata.name} belongs to ${owner}; give the deployment another release name`;
}
