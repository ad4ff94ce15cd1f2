import {
  formatProblems,
  keys,
  keyText,
  resources,
  type DeployApproval,
  type DeployRequest,
  type Environment,
  type HelmRelease,
  type KubeObject,
} from '@sluice/model';
import { buildRelease, releaseObjectName, type ReleasedRun, type ReleaseObjects } from '@sluice/pipeline';
import type { Informer, KubeApi, Reconcile } from '@sluice/reconcile';
import {
  decideGate,
  parseEnvironmentSpec,
  readApprovals,
  type EnvironmentPlan,
  type Gate,
  type GateBefore,
} from '@sluice/release';
import {
  refusedDeployment,
  supersededDeployment,
  waitingDeployment,
  type DeploymentTarget,
  type DesiredDeployment,
  type ReportedWorkflow,
} from '@sluice/trigger';
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

/** What became of one deploy request. `Waiting` ones are looked at again, at the latest after this time. */
type Outcome = 'Applied' | 'Superseded' | 'Refused' | { readonly waitMs: number };

const fieldManager = 'sluice-orchestrator';
const waitMs = 30_000;
/** A deployment whose turn has not come is looked at with every change that it waits for; this is for clocks that were set. */
const gateWaitMs = 300_000;

/**
 * Reconciles a succeeded Workflow that asks for deployments with the HelmReleases that these are, and marks it when all are
 * done. A release that carries a newer run is left alone.
 */
export function createReleaser({ config, ports, access, workflows }: Parts): Reconcile {
  /** What the forge was told of last, by run and deployment, while the run still waits. */
  const told = new Map<string, Map<string, string>>();
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
    const facts: RunFacts = { open, run, approvals: approvalsOf(workflow), endedMs: endOf(workflow) };
    for (const request of requestsOf(workflow)) {
      const name = releaseObjectName(request);
      outcomes[name] = await lock.run(`${run.namespace}/${name}`, () => release(facts, request, signal));
    }
    const waits = Object.values(outcomes).flatMap((outcome) => (typeof outcome === 'object' ? [outcome.waitMs] : []));
    if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
    const annotations = { [keys.released]: JSON.stringify(outcomes) };
    // The version guards against a push of the same commit that asks for its release once more meanwhile.
    const { uid, resourceVersion } = workflow.metadata;
    const body = { metadata: { uid, resourceVersion, annotations } };
    await ports.kube.patch(resources.workflows, key, { type: 'merge', body }, { signal });
    return {};
  };

  async function release(facts: RunFacts, request: DeployRequest, signal: AbortSignal): Promise<Outcome> {
    const { kube } = ports;
    const { run } = facts;
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
      await tellSuperseded(facts, request, 'A newer commit is deployed', signal);
      return 'Superseded';
    }
    const foreign = present && foreignReason(present, request, run);
    if (foreign) return await refuse(facts, request, foreign, signal);
    const environment = await kube.get<Environment>(
      resources.environments,
      { namespace: run.namespace, name: request.environment },
      signal,
    );
    if (!environment?.spec) {
      const reason = `There is no Environment "${request.environment}" in namespace ${run.namespace}; create it and the release follows`;
      await refuse(facts, request, reason, signal);
      return { waitMs };
    }
    const plan = parseEnvironmentSpec(environment.spec, request.environment);
    if (!plan.ok) {
      const reason = `Environment "${request.environment}" is not usable: ${formatProblems(plan.problems)}`;
      await refuse(facts, request, reason, signal);
      return { waitMs };
    }
    const { namespace, release: template } = plan.value;
    const built = buildRelease(request, run, { namespace, insecure: config.registryInsecure, template });
    if (!built.ok) return await refuse(facts, request, built.reason, signal);
    const gate = await gateOf(facts, request, { plan: plan.value, built }, signal);
    if (gate.kind === 'waiting') {
      await tell(facts, request, waitingDeployment(targetOf(facts, request), upperFirst(gate.message)), signal);
      return { waitMs: Math.min(gate.lookAgainMs ?? gateWaitMs, gateWaitMs) };
    }
    if (gate.kind === 'superseded') {
      log.info('release superseded', { reason: gate.message });
      await tellSuperseded(facts, request, upperFirst(gate.message), signal);
      return 'Superseded';
    }
    await applyRelease(kube, built, present, signal);
    log.info('release applied', { order: run.order });
    return 'Applied';
  }

  /** Whether the deployment may begin, from what the cluster says about the environments before. */
  async function gateOf(
    { run, approvals, endedMs }: RunFacts,
    { release, environment }: DeployRequest,
    { plan, built }: { readonly plan: EnvironmentPlan; readonly built: Built },
    signal: AbortSignal,
  ): Promise<Gate> {
    const before = await Promise.all(
      plan.after.map(async (earlier): Promise<GateBefore> => {
        const name = releaseObjectName({ release, environment: earlier });
        const found = await ports.kube.get<HelmRelease>(
          resources.helmReleases,
          { namespace: run.namespace, name },
          signal,
        );
        return { environment: earlier, order: found ? orderOf(found) : 0, ...(found ? { release: found } : {}) };
      }),
    );
    const chartDigest = built.source.spec?.ref?.digest ?? '';
    const request = { environment, order: run.order, sha: run.sha, chartDigest, runEndedMs: endedMs };
    return decideGate({ plan, request, before, approvals, now: ports.now() });
  }

  async function refuse(
    facts: RunFacts,
    request: DeployRequest,
    reason: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { environment } = request;
    if (await tell(facts, request, refusedDeployment(targetOf(facts, request), reason), signal))
      ports.log.warn('release refused', {
        release: releaseObjectName(request),
        environment,
        sha: facts.run.sha,
        reason,
      });
    return 'Refused';
  }

  /** A deployment that was told to be waiting must not be left so. */
  async function tellSuperseded(
    facts: RunFacts,
    request: DeployRequest,
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    await tell(facts, request, supersededDeployment(targetOf(facts, request), reason), signal);
  }

  /** Tell the forge, unless that is what it was told last. True when it was told. */
  async function tell(
    { open, run }: RunFacts,
    request: DeployRequest,
    { deployment, check }: DesiredDeployment,
    signal: AbortSignal,
  ): Promise<boolean> {
    const runKey = keyText({ namespace: run.namespace, name: run.workflow });
    const known = told.get(runKey) ?? new Map<string, string>();
    const id = releaseObjectName(request);
    const text = `${deployment.state}: ${deployment.description}`;
    if (known.get(id) === text) return false;
    await open.forge.upsertDeployment(deployment, signal);
    await open.forge.upsertCheck(check, signal);
    told.set(runKey, known.set(id, text));
    return true;
  }
}

/** A run that is being released, and what is known about it besides. */
type RunFacts = {
  readonly open: OpenRepository;
  readonly run: ReleasedRun;
  readonly approvals: readonly DeployApproval[];
  readonly endedMs: number;
};

function targetOf({ run }: RunFacts, request: DeployRequest): DeploymentTarget {
  return { environment: request.environment, sha: run.sha, ref: run.ref, id: releaseObjectName(request) };
}

function approvalsOf({ metadata }: WorkflowObject): readonly DeployApproval[] {
  return readApprovals(metadata.annotations?.[keys.approvals]);
}

function endOf({ metadata, status }: WorkflowObject): number {
  return Date.parse(status?.finishedAt ?? '') || Date.parse(metadata.creationTimestamp ?? '') || 0;
}

function upperFirst(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
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
