import type { KubeObject } from '@sluice/model';
import { ownerReferenceTo } from '@sluice/reconcile';
import type { Pod, PodTemplate } from './workload.ts';

/** A pod of a template, owned by its workload. `name` absent: the server makes one that begins with the owner's. */
export function buildPod(owner: KubeObject, template: PodTemplate | undefined, change: Partial<PodIdentity> = {}): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  const { namespace } = owner.metadata;
  const { name, ...rest } = change;
  const allLabels = { ...labels, ...rest.labels };
  const allAnnotations = { ...annotations, ...rest.annotations };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(name === undefined ? { generateName: `${owner.metadata.name}-`, name: '' } : { name }),
      ...(namespace !== undefined && { namespace }),
      ...(Object.keys(allLabels).length > 0 && { labels: allLabels }),
      ...(Object.keys(allAnnotations).length > 0 && { annotations: allAnnotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [ownerReferenceTo(owner)],
    },
    spec: { ...template?.spec, ...rest.spec },
  };
}

/** What distinguishes a pod from its template. */
export type PodIdentity = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Pod['spec'] & object;
};

/**
 * Do something many times in batches of 1, 2, 4 ...: what fails for all of them fails once and not a thousand times.
 * Throws the first failure after its batch has ended.
 */
export async function inGrowingBatches<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0, size = 1; from < items.length; from += size, size = Math.min(size * 2, 64)) {
    const results = await Promise.allSettled(items.slice(from, from + size).map(act));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
