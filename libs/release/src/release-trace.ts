import {
  findCondition,
  type Condition,
  type HelmRelease,
  type KubeObject,
  type ReleaseSnapshot,
  type Source,
} from '@sluice/model';
import type { RecordedRelease } from './recorded-release.ts';

/** One row of `release history`. */
export type HistoryRow = {
  readonly revision: number;
  readonly action: string;
  readonly status: string;
  readonly chart: string;
  readonly appVersion: string;
  readonly deployed: string;
  readonly tests: string;
};

type OlderRevision = Pick<RecordedRelease, 'version' | 'status' | 'lastDeployed' | 'chart'>;

/**
 * The history of a release as rows, newest first: what its status tells, and of older revisions, which that forgets, what helm's records
 * still do.
 */
export function historyRows({ status }: HelmRelease, records: readonly OlderRevision[] = []): readonly HistoryRow[] {
  const told = (status?.history ?? []).map((snapshot) => ({
    revision: snapshot.version,
    action: snapshot.action ?? '',
    status: snapshot.status,
    chart: `${snapshot.chartName}@${snapshot.chartVersion}`,
    appVersion: snapshot.appVersion ?? '',
    deployed: snapshot.deleted ?? snapshot.lastDeployed,
    tests: describeTests(snapshot),
  }));
  const older = records
    .filter(({ version }) => !told.some(({ revision }) => revision === version))
    .map(({ version, status: held, chart, lastDeployed }) => ({
      revision: version,
      action: '',
      status: held,
      chart: `${chart.name}@${chart.version}`,
      appVersion: chart.appVersion ?? '',
      deployed: lastDeployed,
      tests: '',
    }));
  return [...told, ...older].sort((a, b) => b.revision - a.revision);
}

function describeTests({ testHooks }: ReleaseSnapshot): string {
  const phases = Object.values(testHooks ?? {}).map((hook) => (hook as { readonly phase?: string }).phase ?? 'not run');
  if (phases.length === 0) return '';
  const failed = phases.filter((phase) => phase === 'Failed').length;
  return failed > 0 ? `${failed} of ${phases.length} failed` : `${phases.length} run`;
}

/** What a release does right now, in one word and one sentence. */
export type ReleaseStanding = {
  readonly phase: 'Suspended' | 'Deleting' | 'Stalled' | 'Working' | 'Waiting' | 'Ready' | 'Failed' | 'Unknown';
  readonly reason: string;
  readonly message: string;
};

const waits = new Set(['DependencyNotReady', 'SourceNotReady', 'ValuesError', 'ArtifactFailed']);

/** How a release stands, from what its conditions say about the present generation. */
export function standingOf({ metadata, spec, status }: HelmRelease): ReleaseStanding {
  const ready = findCondition(status?.conditions, 'Ready');
  const said = (phase: ReleaseStanding['phase'], condition: Condition | undefined, fallback = ''): ReleaseStanding => ({
    phase,
    reason: condition?.reason ?? '',
    message: condition?.message ?? fallback,
  });
  if (metadata.deletionTimestamp) return said('Deleting', ready, 'the release is being uninstalled');
  if (spec?.suspend) return said('Suspended', undefined, 'nothing is done until spec.suspend is taken away');
  const stalled = findCondition(status?.conditions, 'Stalled');
  if (stalled?.status === 'True') return said('Stalled', stalled);
  if (!ready || ready.observedGeneration !== metadata.generation)
    return said('Unknown', undefined, 'the operator has not looked at this generation yet');
  if (waits.has(ready.reason)) return said('Waiting', ready);
  const reconciling = findCondition(status?.conditions, 'Reconciling');
  if (reconciling?.status === 'True') return said('Working', reconciling);
  return said(ready.status === 'True' ? 'Ready' : ready.status === 'False' ? 'Failed' : 'Working', ready);
}

/** One step on the way from a commit to running pods. `why` says what it waits for; empty when it does not. */
export type TraceStep = { readonly what: string; readonly name: string; readonly state: string; readonly why: string };

type ContainerStatus = {
  readonly name: string;
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
};

/** A pod as far as a trace tells of it. */
export type TracedPod = KubeObject<
  unknown,
  {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  }
>;

export type TraceInput = {
  readonly release: HelmRelease;
  /** The Workflow that the release came from, when it is still there. */
  readonly run?: KubeObject<unknown, { readonly phase?: string; readonly message?: string }>;
  /** The object that the chart comes from, when there is one. */
  readonly source?: Source;
  readonly pods: readonly TracedPod[];
  /** Annotation keys of the HelmRelease that hold commit and run. */
  readonly keys: { readonly sha: string; readonly workflow: string };
};

/** The way of a release: commit → run → images and chart → release → pods. */
export function traceRelease({ release, run, source, pods, keys }: TraceInput): readonly TraceStep[] {
  const annotations = release.metadata.annotations ?? {};
  const given = (what: string, name: string | undefined): readonly TraceStep[] =>
    name ? [{ what, name, state: '', why: '' }] : [];
  const standing = standingOf(release);
  const [latest] = release.status?.history ?? [];
  const settled = standing.phase === 'Ready' || standing.phase === 'Suspended';
  const name = latest ? `${latest.namespace}/${latest.name} revision ${latest.version}` : release.metadata.name;
  return [
    ...given('commit', annotations[keys.sha]),
    ...(run ? [traceRun(run)] : given('run', annotations[keys.workflow])),
    ...imagesOf(release.spec?.values).flatMap((image) => given('image', image)),
    ...(source ? [traceSource(source)] : []),
    { what: 'release', name, state: standing.phase, why: settled ? '' : standing.message },
    ...pods.map(tracePod),
  ];
}

function traceRun({ metadata, status }: NonNullable<TraceInput['run']>): TraceStep {
  const state = status?.phase ?? 'Pending';
  return { what: 'run', name: metadata.name, state, why: state === 'Succeeded' ? '' : (status?.message ?? '') };
}

const maxImages = 20;

/** What a pipeline's deployment wrote into `images`, or into `image` where there is one only, as `repository@digest`. */
function imagesOf(values: unknown): readonly string[] {
  const { image, images } = (values ?? {}) as { readonly image?: unknown; readonly images?: unknown };
  const several = typeof images === 'object' && images !== null ? Object.values(images) : [];
  const named = [...several, image].flatMap((value) => {
    const { repository, digest } = (value ?? {}) as { readonly repository?: unknown; readonly digest?: unknown };
    return typeof repository === 'string' && typeof digest === 'string' ? [`${repository}@${digest}`] : [];
  });
  return [...new Set(named)].slice(0, maxImages);
}

function traceSource(source: Source): TraceStep {
  const ready = findCondition(source.status?.conditions, 'Ready');
  const revision = source.status?.artifact?.revision ?? 'no artifact';
  const state = ready?.status === 'True' ? 'Ready' : 'NotReady';
  return {
    what: source.kind,
    name: `${source.metadata.name} ${revision}`,
    state,
    why: state === 'Ready' ? '' : (ready?.message ?? ''),
  };
}

function tracePod({ metadata, status }: TraceInput['pods'][number]): TraceStep {
  const ready = findCondition(status?.conditions, 'Ready');
  const done = ready?.status === 'True' || status?.phase === 'Succeeded';
  const unscheduled = findCondition(status?.conditions, 'PodScheduled');
  const waiting = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
    .map(({ state }) => state?.waiting)
    .find((found) => found?.reason !== undefined && found.reason !== 'PodInitializing');
  const cause = waiting ?? (unscheduled?.status === 'False' ? unscheduled : ready);
  const why = done ? '' : [cause?.reason, cause?.message].filter(Boolean).join(': ');
  return { what: 'pod', name: metadata.name, state: done ? 'Ready' : (status?.phase ?? 'Unknown'), why };
}
