import { type KubeObject, keyOf, type Resource } from '@sluice/model';
import { isControlledBy, isKubeError, ownerReferenceTo } from '@sluice/reconcile';
import { deleteObject, type ManagerContext } from './manager-context.ts';
import { sameTemplate, templateHash } from './template-hash.ts';
import type { PodTemplate } from './workload.ts';

/** A template that a StatefulSet or DaemonSet had, for rollbacks and for pods that stay at it. */
export type Revision = KubeObject & {
  readonly revision: number;
  readonly data?: { readonly spec?: { readonly template?: PodTemplate } };
};

export const controllerRevisions: Resource = Object.freeze({
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
  namespaced: true,
});

/** Label of pods with the name part of their revision. */
export const revisionLabel = 'controller-revision-hash';

type Workload = KubeObject<{ readonly template?: PodTemplate; readonly revisionHistoryLimit?: number }>;

export function templateOf(revision: Revision): PodTemplate | undefined {
  return revision.data?.spec?.template;
}

/** The stored revision of the present template, made or renumbered where needed. `revisions` are those of the workload. */
export async function ensureRevision(
  { kube }: Pick<ManagerContext, 'kube'>,
  workload: Workload,
  revisions: readonly Revision[],
  signal: AbortSignal,
): Promise<Revision> {
  const template = workload.spec?.template;
  const highest = Math.max(0, ...revisions.map(({ revision }) => revision));
  const there = revisions.find((revision) => sameTemplate(templateOf(revision), template));
  if (there) {
    if (there.revision === highest) return there;
    const body = { revision: highest + 1 };
    return kube.patch<Revision>(controllerRevisions, keyOf(there), { type: 'merge', body }, { signal });
  }
  const revision = buildRevision(workload, highest + 1);
  try {
    return await kube.create(controllerRevisions, revision, { signal });
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
    const stored = await kube.get<Revision>(controllerRevisions, keyOf(revision), signal);
    if (stored && isControlledBy(stored, workload)) return stored;
    throw error;
  }
}

function buildRevision(workload: Workload, revision: number): Revision {
  const { name, namespace } = workload.metadata;
  const template = workload.spec?.template ?? {};
  const labels = { ...template.metadata?.labels, [revisionLabel]: templateHash(template) };
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${templateHash(template)}`,
      ...(namespace !== undefined && { namespace }),
      labels,
      ownerReferences: [ownerReferenceTo(workload)],
    },
    // The form in which `kubectl rollout undo` sends it back as a patch.
    data: { spec: { template: { ...template, $patch: 'replace' } as PodTemplate } },
    revision,
  };
}

/** Delete revisions beyond the history, except those in use. */
export async function cleanRevisions(
  context: Pick<ManagerContext, 'kube'>,
  workload: Workload,
  revisions: readonly Revision[],
  used: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const unused = revisions
    .filter(({ metadata }) => !used.has(metadata.name))
    .toSorted((a, b) => a.revision - b.revision);
  const surplus = unused.length - (workload.spec?.revisionHistoryLimit ?? 10);
  for (const revision of unused.slice(0, Math.max(0, surplus))) {
    await deleteObject(context, controllerRevisions, revision, signal);
  }
}
