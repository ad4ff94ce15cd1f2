import { BadManifest, readManifest, type ReleaseRecord } from '@sluice/helm';
import type { KubeObject } from '@sluice/model';
import { buildInventory, diffManifests, formatChanges, inventoryEntry } from '@sluice/release';
import { ClusterKinds } from './cluster-kinds.ts';
import type { ReleaseContext } from './release-context.ts';

const maxDiff = 900;

/** After a revision was stored: what it changed goes into an event, what it has into `status.inventory`. */
export async function reportRevision(
  context: ReleaseContext,
  record: ReleaseRecord,
  before: ReleaseRecord | undefined,
): Promise<void> {
  const objects = objectsOf(record);
  if (before) {
    const changes = formatChanges(diffManifests(objectsOf(before), objects), maxDiff);
    const message = `revision ${before.version} → ${record.version}:\n${changes}`;
    context.ports.events.event(context.release, 'Normal', 'ReleaseDiff', message);
  }
  const kinds = new ClusterKinds(context.ports.kube);
  const entries = [];
  for (const object of [...context.chart.crds.flatMap(({ object: crd }) => toObject(crd)), ...objects]) {
    const resource = await kinds.resourceOf(object, context.signal);
    const namespace = resource?.namespaced === false ? '' : (object.metadata.namespace ?? record.namespace);
    entries.push(inventoryEntry(object, namespace));
  }
  context.draft.set({ inventory: buildInventory(entries) });
}

function objectsOf({ manifest }: ReleaseRecord): readonly KubeObject[] {
  try {
    return readManifest(manifest);
  } catch (error) {
    if (error instanceof BadManifest) return [];
    throw error;
  }
}

function toObject(value: unknown): readonly KubeObject[] {
  const { apiVersion, kind, metadata } = (value ?? {}) as Partial<KubeObject>;
  return apiVersion && kind && metadata?.name ? [value as KubeObject] : [];
}
