import type { HelmReleaseStatus, KubeObject, ObjectKey } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import { parseInventoryEntry } from '@sluice/release';
import { ClusterKinds } from './cluster-kinds.ts';

const maxNamed = 5;

/**
 * Delete what an uninstall has left of a release: objects that a killed helm forgot. Answers, in words, which objects are still there and
 * why. CRDs, objects with helm's policy `keep` and objects that belong to another release by now are let be.
 */
export async function sweepInventory(
  kube: KubeApi,
  inventory: HelmReleaseStatus['inventory'],
  { namespace, name }: ObjectKey,
  signal: AbortSignal,
): Promise<string | undefined> {
  const kinds = new ClusterKinds(kube);
  const left: string[] = [];
  for (const entry of inventory?.entries ?? []) {
    const object = parseInventoryEntry(entry);
    if (!object || object.kind === 'CustomResourceDefinition') continue;
    const { apiVersion, kind } = object;
    const resource = await kinds.resourceOf({ apiVersion, kind, metadata: { name: object.name } }, signal);
    if (!resource) continue;
    const key = { name: object.name, ...(resource.namespaced ? { namespace: object.namespace } : {}) };
    const live = await kube.get(resource, key, signal).catch(ignoreGoneKind);
    if (!live || !isOfRelease(live, namespace ?? '', name)) continue;
    if (!live.metadata.deletionTimestamp) {
      const { uid } = live.metadata;
      await kube.delete(resource, key, { propagationPolicy: 'Background', signal, ...(uid ? { uid } : {}) });
    }
    const present = await kube.get(resource, key, signal);
    if (present && present.metadata.uid === live.metadata.uid) left.push(describe(present));
  }
  if (left.length === 0) return undefined;
  const more = left.length > maxNamed ? ` and ${left.length - maxNamed} more` : '';
  return `${left.slice(0, maxNamed).join('; ')}${more}`;
}

/** A kind whose definition went with the release has no objects any more. */
function ignoreGoneKind(error: unknown): undefined {
  if (isKubeError(error, 'NotFound')) return undefined;
  throw error;
}

function isOfRelease({ metadata: { annotations = {} } }: KubeObject, namespace: string, name: string): boolean {
  return (
    annotations['meta.helm.sh/release-name'] === name &&
    annotations['meta.helm.sh/release-namespace'] === namespace &&
    annotations['helm.sh/resource-policy']?.trim() !== 'keep'
  );
}

function describe({ kind, metadata }: KubeObject): string {
  const { namespace, name, finalizers = [] } = metadata;
  const object = [kind, namespace, name].filter(Boolean).join('/');
  if (finalizers.length === 0) return `${object} is being deleted`;
  return `${object} is held by its finalizers ${finalizers.join(', ')}; whoever set them must let it go`;
}
