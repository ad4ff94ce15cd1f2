import { keyOf, keys, resources, type KubeObject, type ObjectKey } from '@sluice/model';
import { isKubeError, type Informer, type KubeApi, type Reconcile } from '@sluice/reconcile';
import type { Head, OrchestratorPorts } from './ports.ts';
import type { RepositoryAccess } from './repository-access.ts';

/** Objects of previews carry the number of their pull request. */
export const ofPreviews = keys.pullRequest;

const fieldManager = 'sluice-orchestrator';
const leavingMs = 5_000;

/** The namespace of a preview, marked as ours to remove. One that somebody else made is used and left. */
export async function ensurePreviewNamespace(
  kube: KubeApi,
  name: string,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { labels = {}, namespace = '' } = metadata;
  const object = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels, annotations: { [keys.release]: `${namespace}/${metadata.name}` } },
  };
  try {
    await kube.create<KubeObject>(resources.namespaces, object, { fieldManager, signal });
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
  }
}

type Parts = {
  readonly ports: OrchestratorPorts;
  readonly access: RepositoryAccess;
  readonly releases: Informer;
  /** Namespaces of previews. */
  readonly namespaces: Informer;
};

/**
 * Reconciles a Repository with the previews of its pull requests: those that are no longer open lose their releases, then their namespaces. The
 * forge has the last word, so a head that was not followed costs nobody a preview.
 */
export function createPreviewCleaner({ ports, access, releases, namespaces }: Parts): Reconcile {
  return async (key, signal) => {
    const { name: repository, namespace = '' } = key;
    const isOurs = ({ metadata }: KubeObject): boolean =>
      metadata.labels?.[keys.repository] === repository && metadata.labels[ofPreviews] !== undefined;
    const present = releases.list(namespace).filter(isOurs);
    const homes = namespaces
      .list()
      .filter(
        (home) =>
          !home.metadata.deletionTimestamp &&
          isOurs(home) &&
          home.metadata.annotations?.[keys.release]?.startsWith(`${namespace}/`),
      );
    if (present.length + homes.length === 0) return {};
    const open = await access.open(key, signal);
    if (!open || open.repository.spec?.suspend) return {};
    const followed = open.repository.status?.heads ?? {};
    const seemsClosed = (object: KubeObject): boolean => followed[refOf(object)] === undefined;
    if (![...present, ...homes].some(seemsClosed)) return {};
    const heads = await open.forge.listHeads(signal);
    const isClosed = (object: KubeObject): boolean => seemsClosed(object) && !isOpen(object, heads);
    for (const release of present.filter(isClosed)) await remove(keyOf(release), release, signal);
    const empty = homes.filter((home) => isClosed(home) && !present.some((release) => refOf(release) === refOf(home)));
    for (const { metadata } of empty) {
      await ports.kube.delete(resources.namespaces, { name: metadata.name }, { signal });
      ports.log.info('preview removed', { repository, namespace: metadata.name });
    }
    return present.some(isClosed) ? { requeueAfterMs: leavingMs } : {};
  };

  async function remove(key: ObjectKey, { metadata }: KubeObject, signal: AbortSignal): Promise<void> {
    if (metadata.deletionTimestamp) return;
    await ports.kube.delete(resources.helmReleases, key, { signal, ...(metadata.uid ? { uid: metadata.uid } : {}) });
  }
}

function refOf({ metadata }: KubeObject): string {
  return `refs/pull/${metadata.labels?.[ofPreviews] ?? ''}/head`;
}

function isOpen(object: KubeObject, heads: readonly Head[]): boolean {
  return heads.some(({ ref }) => ref === refOf(object));
}
