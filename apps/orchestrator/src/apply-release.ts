import { keys, resources, type HelmRelease, type KubeObject } from '@sluice/model';
import type { ReleaseObjects } from '@sluice/pipeline';
import type { KubeApi } from '@sluice/reconcile';

const fieldManager = 'sluice-orchestrator';

/** The objects of a release that could be built. */
export type Built = Extract<ReleaseObjects, { ok: true }>;

/** Source, then release, then away with the sources of earlier charts. Repeating it changes nothing. */
export async function applyRelease(
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
