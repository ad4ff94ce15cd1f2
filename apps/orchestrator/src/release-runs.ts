import {
  formatProblems,
  keys,
  resources,
  type DeployApproval,
  type DeployRequest,
  type Environment,
  type HelmRelease,
} from '@sluice/model';
import { buildRelease, previewNamespace, releaseObjectName, type ReleasedRun } from '@sluice/pipeline';
import type { Informer, Reconcile } from '@sluice/reconcile';
import { decideGate, parseEnvironmentSpec, type EnvironmentPlan, type Gate, type GateBefore } from '@sluice/release';
import { refusedDeployment, supersededDeployment, waitingDeployment, type DeploymentTarget } from '@sluice/trigger';
import { commitRelease, type ReleaseCommit } from './commit-release.ts';
import type { OrchestratorConfig } from './config.ts';
import { DeploymentReports } from './deployment-reports.ts';
import { approvalsOf, endOf, orderOf, releasableRun, requestsOf, type WorkflowObject } from './releasable-run.ts';
import { applyRelease, type Built } from './apply-release.ts';
import type { OrchestratorPorts } from './ports.ts';
import { ensurePreviewNamespace } from './clean-previews.ts';
import type { OpenRepository, RepositoryAccess } from './repository-access.ts';
import { KeyedLock } from './keyed-lock.ts';

type Parts = {
  readonly config: OrchestratorConfig;
  readonly ports: OrchestratorPorts;
  readonly access: RepositoryAccess;
  readonly workflows: Informer;
};

/** What became of one deploy request. `Waiting` ones are looked at again, at the latest after this time. */
type Outcome = 'Applied' | 'Committed' | 'Proposed' | 'Superseded' | 'Refused' | { readonly waitMs: number };

const waitMs = 30_000;
/** A deployment whose turn has not come is looked at with every change that it waits for; this is for clocks that were set. */
const gateWaitMs = 300_000;

/**
 * Reconciles a succeeded Workflow that asks for deployments with the HelmReleases that these are, and marks it when all are
 * done. A release that carries a newer run is left alone.
 */
export function createReleaser({ config, ports, access, workflows }: Parts): Reconcile {
  const reports = new DeploymentReports();
  /** Two runs for one release are compared and applied one after the other, or the older could come last. */
  const lock = new KeyedLock();

  return async (key, signal) => {
    const workflow = workflows.get(key) as WorkflowObject | undefined;
    const run = workflow && releasableRun(workflow);
    if (!workflow || !run) {
      reports.forget(key);
      return {};
    }
    const open = await access.open({ namespace: run.namespace, name: run.repository }, signal);
    if (!open || open.repository.spec?.suspend) return {};
    const outcomes: Record<string, Outcome> = {};
    const facts: RunFacts = { open, run, approvals: approvalsOf(workflow), endedMs: endOf(workflow) };
    for (const request of requestsOf(workflow, run)) {
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
      return await supersede(facts, request, 'A newer commit is deployed', signal);
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
    const misplaced = misplacedReason(plan.value, request, facts);
    if (misplaced) return await refuse(facts, request, misplaced, signal);
    if (run.pullRequest !== undefined && !isOpenPull(facts))
      return await supersede(facts, request, 'The pull request is closed or has newer commits', signal);
    const { release: template } = plan.value;
    const namespace = namespaceOf(plan.value, run);
    const built = buildRelease(request, run, { namespace, insecure: config.registryInsecure, template });
    if (!built.ok) return await refuse(facts, request, built.reason, signal);
    const gate = await gateOf(facts, request, { plan: plan.value, built }, signal);
    if (gate.kind === 'waiting') {
      const waiting = waitingDeployment(targetOf(facts, request), upperFirst(gate.message));
      await reports.tell(facts, waiting, signal);
      return { waitMs: Math.min(gate.lookAgainMs ?? gateWaitMs, gateWaitMs) };
    }
    if (gate.kind === 'superseded') {
      log.info('release superseded', { reason: gate.message });
      return await supersede(facts, request, upperFirst(gate.message), signal);
    }
    const { git } = plan.value;
    if (git) return await commit(facts, request, { plan: { ...plan.value, git }, built }, signal);
    if (run.pullRequest !== undefined) await ensurePreviewNamespace(kube, namespace, built.release, signal);
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

  /** Mode git: the repository is what is deployed to; the cluster follows it by itself. */
  async function commit(
    facts: RunFacts,
    request: DeployRequest,
    parts: Pick<ReleaseCommit, 'plan' | 'built'>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { run, endedMs } = facts;
    const { environment } = request;
    if (newerProposal(request, run)) return await supersede(facts, request, 'A newer commit is proposed', signal);
    const outcome = await commitRelease(access, { ...parts, environment, run, endedMs }, signal);
    const { repository } = parts.plan.git;
    ports.log.info('release committed', { outcome: outcome.kind, environment, repository, sha: run.sha });
    switch (outcome.kind) {
      case 'refused':
        await refuse(facts, request, outcome.reason, signal);
        return { waitMs };
      case 'older':
        return await supersede(facts, request, 'A newer commit is deployed', signal);
      case 'proposed': {
        const text = `Proposed as a pull request of ${repository}; merging it deploys`;
        await reports.tell(facts, waitingDeployment(targetOf(facts, request), text), signal);
        return 'Proposed';
      }
      case 'committed':
        return 'Committed';
      default:
        return outcome satisfies never;
    }
  }

  /** Whether a newer run has a pull request for this release already. */
  function newerProposal(request: DeployRequest, { namespace, order }: ReleasedRun): boolean {
    const name = releaseObjectName(request);
    return workflows.list(namespace).some((other) => {
      const outcomes = other.metadata.annotations?.[keys.released] ?? '{}';
      return orderOf(other) > order && (JSON.parse(outcomes) as Readonly<Record<string, unknown>>)[name] === 'Proposed';
    });
  }

  /** A deployment that may have been told to be waiting must not be left so. */
  async function supersede(
    facts: RunFacts,
    request: DeployRequest,
    reason: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    await reports.tell(facts, supersededDeployment(targetOf(facts, request), reason), signal);
    return 'Superseded';
  }

  async function refuse(
    facts: RunFacts,
    request: DeployRequest,
    reason: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { environment } = request;
    if (await reports.tell(facts, refusedDeployment(targetOf(facts, request), reason), signal))
      ports.log.warn('release refused', {
        release: releaseObjectName(request),
        environment,
        sha: facts.run.sha,
        reason,
      });
    return 'Refused';
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

function upperFirst(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function namespaceOf({ namespace }: EnvironmentPlan, { pullRequest }: ReleasedRun): string {
  return pullRequest === undefined ? namespace : previewNamespace(namespace, pullRequest);
}

/** Previews and lasting deployments do not share an environment. */
function misplacedReason(
  { preview }: EnvironmentPlan,
  { environment }: DeployRequest,
  { run }: RunFacts,
): string | undefined {
  if (preview === (run.pullRequest !== undefined)) return undefined;
  return preview
    ? `Environment "${environment}" is for previews of pull requests; deploy pushes to another`
    : `Environment "${environment}" is not for previews; set spec.preview, or deploy pull requests to another`;
}

/** Whether the commit is still the head of its pull request, as far as the repository's heads say. */
function isOpenPull({ open, run }: RunFacts): boolean {
  return open.repository.status?.heads?.[`refs/pull/${run.pullRequest}/head`] === run.sha;
}

/** A HelmRelease of this name that we did not make for this repository and environment is not overwritten. */
function foreignReason({ metadata }: HelmRelease, request: DeployRequest, run: ReleasedRun): string | undefined {
  const { [keys.repository]: repository, [keys.environment]: environment } = metadata.labels ?? {};
  if (repository === run.repository && environment === request.environment) return undefined;
  const owner =
    repository === undefined ? 'somebody else' : `repository ${repository}, environment ${environment ?? 'unknown'}`;
  return `HelmRelease ${run.namespace}/${metadata.name} belongs to ${owner}; give the deployment another release name`;
}
