import { resources, type ChartKind, type ChartKindSpec, type HelmRelease, type Resource } from '@sluice/model';
import {
  addFinalizer,
  hasFinalizer,
  isKubeError,
  removeFinalizer,
  type KubeApi,
  type Reconcile,
  type ReconcileResult,
} from '@sluice/reconcile';
import {
  buildOwnedRelease,
  isAsAsked,
  releaseNameOfResource,
  resourceOfChartKind,
  statusOfResource,
  ValuesError,
  type ChartResource,
  type ChartResourceStatus,
} from '@sluice/release';
import type { ReleaseEvents } from '../release-events.ts';
import { sha256 } from '../sha256.ts';
import { StatusDraft } from '../status-draft.ts';

/** Keeps a custom resource until its app is uninstalled. */
const finalizer = 'sluice.dev/app';
const fieldManager = 'sluice-helm-operator';
const waitMs = 10_000;

export type ChartResourcePorts = { readonly kube: KubeApi; readonly events: ReleaseEvents; readonly now: () => number };

type Ready = ChartKind & { readonly spec: ChartKindSpec };
type Draft = StatusDraft<ChartResourceStatus>;
type Work = {
  readonly resource: Resource;
  readonly object: ChartResource;
  readonly chartKind: Ready;
  readonly draft: Draft;
};

/** Keeps one HelmRelease for each object of a kind, and its outcome in the object's status. */
export function chartResourceReconciler(ports: ChartResourcePorts, chartKind: Ready): Reconcile {
  const resource = resourceOfChartKind(chartKind.spec);
  return async (key, signal): Promise<ReconcileResult> => {
    const object = await ports.kube.get<ChartResource>(resource, key, signal);
    if (!object) return {};
    const draft = new StatusDraft<ChartResourceStatus>(ports.kube, resource, object, ports);
    const work: Work = { resource, object, chartKind, draft };
    if (object.metadata.deletionTimestamp) {
      return hasFinalizer(object, finalizer) ? finalize(ports, work, signal) : {};
    }
    await addFinalizer(ports.kube, resource, object, finalizer);
    return keep(ports, work, signal);
  };
}

async function keep(
  ports: ChartResourcePorts,
  { object, chartKind, draft }: Work,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  let wanted: HelmRelease;
  try {
    wanted = buildOwnedRelease(chartKind, object, sha256);
  } catch (error) {
    if (!(error instanceof ValuesError)) throw error;
    return complain(draft, 'ValuesError', error.message);
  }
  const key = { namespace: object.metadata.namespace ?? '', name: wanted.metadata.name };
  const present = await ports.kube.get<HelmRelease>(resources.helmReleases, key, signal);
  if (present && !isOwned(present, object)) {
    const message = `HelmRelease ${key.namespace}/${key.name} exists and belongs to somebody else; choose another name`;
    return complain(draft, 'NameTaken', message);
  }
  const release =
    present && isAsAsked(present, wanted)
      ? present
      : await ports.kube.apply<HelmRelease>(resources.helmReleases, wanted, { fieldManager, signal });
  const { ready, ...status } = statusOfResource(object, release);
  draft.set(status);
  draft.condition(ready);
  await draft.save();
  return {};
}

function isOwned({ metadata }: HelmRelease, object: ChartResource): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid) ?? false;
}

async function complain(draft: Draft, reason: string, message: string): Promise<ReconcileResult> {
  draft.set({ observedGeneration: draft.generation });
  draft.condition({ type: 'Ready', status: 'False', reason, message });
  await draft.save();
  return { requeueAfterMs: waitMs };
}

/** The app goes first: its HelmRelease is deleted and waited for. */
async function finalize(
  ports: ChartResourcePorts,
  { resource, object, chartKind, draft }: Work,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const name = releaseNameOfResource(chartKind.spec.kind, object.metadata.name, sha256);
  const key = { namespace: object.metadata.namespace ?? '', name };
  const release = await ports.kube.get<HelmRelease>(resources.helmReleases, key, signal);
  if (release && isOwned(release, object)) {
    const { uid, deletionTimestamp } = release.metadata;
    try {
      if (!deletionTimestamp) await ports.kube.delete(resources.helmReleases, key, uid ? { uid, signal } : { signal });
    } catch (error) {
      if (!isKubeError(error, 'Conflict')) throw error;
    }
    const { ready } = statusOfResource(object, release);
    const failed = ready.reason === 'UninstallFailed' ? `: ${ready.message}` : '';
    const message = `waiting for release ${key.namespace}/${name} to be uninstalled${failed}`;
    draft.condition({ type: 'Ready', status: 'False', reason: 'Deleting', message });
    await draft.save();
    return { requeueAfterMs: waitMs };
  }
  await removeFinalizer(ports.kube, resource, object, finalizer);
  return {};
}
