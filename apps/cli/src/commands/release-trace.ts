import { type HelmRelease, type KubeObject, keys, type Resource, resources, type Source } from '@sluice/model';
import {
  chartReferenceOf,
  parseInventoryEntry,
  parseReleaseSpec,
  traceRelease,
  type TracedPod,
  type TraceInput,
} from '@sluice/release';
import { connect, type Connection } from '../connect.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { parseFormat, showListing } from '../output.ts';
import { findRelease } from '../release.ts';
import type { ReleaseOptions } from './release.ts';

/** `sluice release trace NAME`: exit code 0 when nothing waits, 1 when something does. */
export async function releaseTraceCommand(name: string, options: ReleaseOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const connection = await connect(io, options);
  const release = await findRelease(connection, name);
  const [run, source, pods] = await Promise.all([
    runOf(connection, release),
    sourceOf(connection, release),
    podsOf(connection, release),
  ]);
  const input = { release, pods, keys: { sha: keys.sha, workflow: keys.workflow } };
  const steps = traceRelease({ ...input, ...(run ? { run } : {}), ...(source ? { source } : {}) });
  showListing(io, format, {
    columns: ['STEP', 'NAME', 'STATE', 'WAITS FOR'],
    rows: steps.map(({ what, name: step, state, why }) => [what, step, state || '-', why.split('\n')[0] ?? '']),
    objects: steps,
    names: steps.map(({ what, name: step }) => `${what}/${step}`),
    empty: '',
  });
  return steps.every(({ why }) => why === '') ? exitCodes.ok : exitCodes.failed;
}

async function runOf({ kube }: Connection, { metadata }: HelmRelease): Promise<TraceInput['run']> {
  const name = metadata.annotations?.[keys.workflow];
  if (!name) return undefined;
  return kube.get<NonNullable<TraceInput['run']>>(resources.workflows, { namespace: metadata.namespace ?? '', name });
}

const sourceKinds: Readonly<Record<ReturnType<typeof chartReferenceOf>['kind'], Resource>> = {
  OCIRepository: resources.ociRepositories,
  HelmChart: resources.helmCharts,
  ExternalArtifact: resources.externalArtifacts,
};

async function sourceOf({ kube }: Connection, release: HelmRelease): Promise<Source | undefined> {
  const parsed = parseReleaseSpec(release.spec ?? { interval: '' });
  if (!parsed.ok) return undefined;
  const { kind, name, namespace } = chartReferenceOf(release, parsed.value.source);
  return kube.get<Source>(sourceKinds[kind], { namespace, name });
}

type Workload = KubeObject<{ readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> } }>;

const workloads: Readonly<Record<string, Resource | undefined>> = {
  Deployment: resources.deployments,
  StatefulSet: resources.statefulSets,
  DaemonSet: resources.daemonSets,
  ReplicaSet: resources.replicaSets,
  Job: resources.jobs,
};
const maxPods = 100;

/** The pods of the workloads in the inventory of a release. */
async function podsOf({ kube }: Connection, { status, spec }: HelmRelease): Promise<readonly TracedPod[]> {
  if (spec?.['kubeConfig']) return [];
  const pods = new Map<string, TracedPod>();
  for (const entry of status?.inventory?.entries ?? []) {
    const object = parseInventoryEntry(entry);
    const resource = object && workloads[object.kind];
    if (!resource) continue;
    const { namespace, name } = object;
    const labels = (await kube.get<Workload>(resource, { namespace, name }))?.spec?.selector?.matchLabels;
    const labelSelector = Object.entries(labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    if (!labelSelector) continue;
    const { items } = await kube.list<TracedPod>(resources.pods, { namespace, labelSelector, limit: maxPods });
    for (const pod of items) if (!pod.metadata.deletionTimestamp) pods.set(`${namespace}/${pod.metadata.name}`, pod);
  }
  return [...pods.values()].slice(0, maxPods);
}
