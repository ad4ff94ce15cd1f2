import { setTimeout as delay } from 'node:timers/promises';
import { type HelmRelease, type KubeObject, keys, type OciRepository, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { isFinished, type ReportedWorkflow, type StepView, stepsOf } from '@sluice/trigger';
import { checksOf, type ForgeClient, type StoredCheck } from '../forge-client.ts';
import type { SummaryRun, SummaryStep } from './summary.ts';
import { Stopwatch } from './stopwatch.ts';
import type { View } from './view.ts';

/** Something that the story needs did not happen. `message` says what was awaited and what was seen instead. */
export class StoryError extends Error {
  override readonly name = 'StoryError';
}

export type WorkflowObject = KubeObject<NonNullable<ReportedWorkflow['spec']>, NonNullable<ReportedWorkflow['status']>>;
type ServiceObject = KubeObject<{ clusterIP?: string; ports?: { port: number }[] }>;

/** A deployment as the local forge stores it. */
export type StoredDeployment = {
  readonly sha: string;
  readonly environment: string;
  readonly state: string;
  readonly description: string;
};

export type World = {
  readonly kube: KubeApi;
  readonly forge: ForgeClient;
  readonly repository: string;
  readonly namespace: string;
  readonly view: View;
  readonly signal: AbortSignal;
  readonly now: () => number;
};

const pollMs = 60;

/** Look again and again until `probe` answers; throws a StoryError with what `describe` says after `timeoutMs`. */
export async function until<T>(
  world: World,
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined>,
  describe: () => string = () => '',
): Promise<T> {
  const deadline = world.now() + timeoutMs;
  world.view.waiting(what);
  for (;;) {
    const found = await probe();
    if (found !== undefined) {
      world.view.waiting('');
      return found;
    }
    if (world.signal.aborted) throw new StoryError('interrupted');
    if (world.now() > deadline) {
      const seen = describe();
      throw new StoryError(`${what}: not within ${Math.round(timeoutMs / 1_000)} s${seen ? `; ${seen}` : ''}`);
    }
    await delay(pollMs);
  }
}

/** See the run of a commit to its end, showing it on the way. `event` tells a push from a pull request of the same commit. */
export async function awaitRun(world: World, sha: string, event: string, title: string): Promise<WorkflowObject> {
  const labelSelector = `${keys.repository}=${world.repository},${keys.sha}=${sha},${keys.event}=${event}`;
  let last: WorkflowObject | undefined;
  let shown = '';
  const watched = new Stopwatch();
  return until(
    world,
    `the run of ${sha.slice(0, 7)}`,
    60_000,
    async () => {
      const { items } = await world.kube.list<WorkflowObject>(resources.workflows, {
        namespace: world.namespace,
        labelSelector,
      });
      if (items.length > 1)
        throw new StoryError(
          `${items.length} runs for one push of ${sha.slice(0, 7)}: ${items.map((item) => item.metadata.name).join(', ')}`,
        );
      [last] = items;
      if (!last || last.metadata.resourceVersion === shown) return undefined;
      shown = last.metadata.resourceVersion ?? '';
      const phase = last.status?.phase || 'Pending';
      world.view.run({ name: last.metadata.name, title, phase, steps: watched.time(stepsOf(last), world.now()) });
      return isFinished(last) ? last : undefined;
    },
    () => (last ? `it is ${last.status?.phase || 'Pending'} ${last.status?.message ?? ''}` : 'no Workflow was created'),
  );
}

/** The checks of a commit once all of `names` are completed. */
export async function awaitChecks(world: World, sha: string, names: readonly string[]): Promise<StoredCheck[]> {
  let seen: StoredCheck[] = [];
  return until(
    world,
    `the checks of ${sha.slice(0, 7)}`,
    20_000,
    async () => {
      seen = await checksOf(world.forge, world.repository, sha);
      return names.every((name) => seen.some((check) => check.name === name && check.status === 'completed'))
        ? seen
        : undefined;
    },
    () => `there are ${seen.map((check) => `${check.name} ${check.status}`).join(', ') || 'none'}`,
  );
}

/** The deployment of a commit once it has ended. */
export async function awaitDeployment(world: World, sha: string, environment: string): Promise<StoredDeployment> {
  let seen: StoredDeployment | undefined;
  return until(
    world,
    `the deployment of ${sha.slice(0, 7)} to ${environment}`,
    60_000,
    async () => {
      const answer = await world.forge(
        'GET',
        `/repos/${world.repository}/deployments?sha=${sha}&environment=${environment}`,
      );
      const list = (
        Array.isArray(answer) ? answer : ((answer as { deployments?: unknown[] }).deployments ?? [])
      ) as StoredDeployment[];
      seen = list[0];
      return seen && ['success', 'failure', 'error'].includes(seen.state) ? seen : undefined;
    },
    () => (seen ? `it is ${seen.state}: ${seen.description}` : 'there is none'),
  );
}

/** The HelmRelease of the repository in an environment; undefined while there is none. */
export async function findRelease(world: World, name: string): Promise<HelmRelease | undefined> {
  return world.kube.get<HelmRelease>(resources.helmReleases, { namespace: world.namespace, name });
}

/** Digest of the chart that a release is made from. */
export async function chartDigestOf(world: World, release: HelmRelease | undefined): Promise<string> {
  const name = release?.spec?.chartRef?.name;
  if (!name) return '';
  const source = await world.kube.get<OciRepository>(resources.ociRepositories, { namespace: world.namespace, name });
  return source?.spec?.ref?.digest ?? '';
}

/** Address of a service inside the cluster, which is reachable from this machine. */
export async function serviceUrl(world: World, namespace: string, name: string): Promise<string> {
  return until(world, `service ${namespace}/${name}`, 10_000, async () => {
    const service = await world.kube.get<ServiceObject>(resources.services, { namespace, name });
    const address = service?.spec?.clusterIP;
    const port = service?.spec?.ports?.[0]?.port;
    return address && port ? `http://${address}:${port}/` : undefined;
  });
}

/** A run with its checks, as the summary tells it. */
export function summarizeRun(workflow: WorkflowObject, checks: readonly StoredCheck[]): SummaryRun {
  const labels = workflow.metadata.labels ?? {};
  return {
    sha: labels[keys.sha] ?? '',
    pipeline: labels[keys.pipeline] ?? '',
    phase: workflow.status?.phase ?? '',
    steps: stepsOf(workflow).map(toSummaryStep),
    checks: checks.map(({ name, status, conclusion, title }) => ({
      name,
      status,
      title,
      ...(conclusion ? { conclusion } : {}),
    })),
  };
}

function toSummaryStep({ name, phase, startedAt, finishedAt }: StepView): SummaryStep {
  return { name, phase, ...(startedAt ? { startedAt } : {}), ...(finishedAt ? { finishedAt } : {}) };
}
