import { type JsonObject, keyOf, type KubeObject, type ObjectKey, resources } from '@sluice/model';
import { type Controller, createController, isKubeError, type ReconcileResult } from '@sluice/reconcile';
import { deleteObject, ignoreGone, type ManagerContext, writeStatus } from './manager-context.ts';

/** The annotation that tells the node agent which of its directories a claim or volume is: the uid of the claim. */
export const volumeAnnotation = 'sluice.dev/volume';
/** The storage class of directories of the node, which is the default. */
export const directoryClass = 'local';
const provisioner = 'sluice.dev/directory';

export type Claim = KubeObject<
  {
    readonly accessModes?: readonly string[];
    readonly storageClassName?: string;
    readonly volumeName?: string;
    readonly volumeMode?: string;
    readonly resources?: { readonly requests?: { readonly storage?: string } };
    readonly selector?: JsonObject;
  },
  { readonly phase?: string }
>;

export type Volume = KubeObject<
  {
    readonly claimRef?: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
    readonly persistentVolumeReclaimPolicy?: string;
    readonly accessModes?: readonly string[];
    readonly capacity?: JsonObject;
    readonly storageClassName?: string;
  },
  { readonly phase?: string }
>;

type StorageClass = KubeObject & { readonly provisioner?: string; readonly reclaimPolicy?: string };

/** Why a claim cannot be given a directory. */
export type Refusal = { readonly reason: string; readonly message: string };

/** The volume made for a claim: a directory of the node. Its name is made of the claim's uid. Pure. */
export function buildVolume(claim: Claim, storageClass: StorageClass | undefined): Volume {
  const { name, namespace, uid } = claim.metadata;
  const { accessModes = ['ReadWriteOnce'], volumeMode = 'Filesystem' } = claim.spec ?? {};
  const spec = {
    accessModes,
    volumeMode,
    capacity: { storage: claim.spec?.resources?.requests?.storage ?? '1Gi' },
    persistentVolumeReclaimPolicy: storageClass?.reclaimPolicy ?? 'Delete',
    storageClassName: claim.spec?.storageClassName ?? directoryClass,
    claimRef: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
    },
    // Not a path of the host: the node agent keeps the directory under this name.
    local: { path: `/sluice/volumes/${uid}` },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['local'] }] },
        ],
      },
    },
  };
  const annotations = { 'pv.kubernetes.io/provisioned-by': provisioner, [volumeAnnotation]: uid ?? '' };
  return { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `pvc-${uid}`, annotations }, spec };
}

/** Binds every claim of the class `local`, or of none, to a directory of the node. */
export function volumeController(context: ManagerContext): Controller {
  const { kube, informers, log, events } = context;
  const claims = informers.informer<Claim>(resources.persistentVolumeClaims);
  const volumes = informers.informer<Volume>(resources.persistentVolumes);
  const classes = informers.informer<StorageClass>(resources.storageClasses);

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    if (!key.namespace) return reconcileVolume(key, signal);
    const claim = claims.get(key);
    if (!claim || claim.metadata.deletionTimestamp || claim.status?.phase === 'Bound') return {};
    const given = claim.spec?.volumeName;
    const volume = given ? volumes.get({ name: given }) : await provision(claim, signal);
    if (!volume) return {};
    await bind(claim, volume, signal);
    return {};
  }

  async function provision(claim: Claim, signal: AbortSignal): Promise<Volume | undefined> {
    const refusal = refuse(claim, (name) => classes.get({ name }));
    if (refusal) {
      events.event(claim, 'Warning', refusal.reason, refusal.message);
      return undefined;
    }
    const volume = buildVolume(claim, classes.get({ name: claim.spec?.storageClassName ?? directoryClass }));
    try {
      return await kube.create(resources.persistentVolumes, volume, { signal });
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
      return kube.get<Volume>(resources.persistentVolumes, keyOf(volume), signal);
    }
  }

  async function bind(claim: Claim, volume: Volume, signal: AbortSignal): Promise<void> {
    const { uid } = claim.metadata;
    const { claimRef } = volume.spec ?? {};
    if (claimRef?.uid !== undefined && claimRef.uid !== uid) {
      const message = `volume "${volume.metadata.name}" is bound to another claim`;
      return events.event(claim, 'Warning', 'FailedBinding', message);
    }
    if (claimRef?.uid === undefined) {
      const { name, namespace } = claim.metadata;
      const body = { spec: { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid } } };
      await kube.patch(resources.persistentVolumes, keyOf(volume), { type: 'merge', body }, { signal });
    }
    const annotations = { [volumeAnnotation]: uid, 'pv.kubernetes.io/bind-completed': 'yes' };
    const storageClassName = claim.spec?.storageClassName ?? volume.spec?.storageClassName ?? directoryClass;
    const body = { metadata: { uid, annotations }, spec: { volumeName: volume.metadata.name, storageClassName } };
    const bound = await ignoreGone(
      kube.patch<Claim>(resources.persistentVolumeClaims, keyOf(claim), { type: 'merge', body }, { signal }),
    );
    if (!bound) return;
    const { accessModes, capacity } = volume.spec ?? {};
    const status = { phase: 'Bound', accessModes, capacity };
    await writeStatus(context, resources.persistentVolumeClaims, bound, status, signal);
    await writeStatus(context, resources.persistentVolumes, volume, { phase: 'Bound' }, signal);
  }

  async function reconcileVolume(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const volume = volumes.get(key);
    const { claimRef, persistentVolumeReclaimPolicy: policy = 'Retain' } = volume?.spec ?? {};
    if (!volume || volume.metadata.deletionTimestamp) return {};
    if (!claimRef?.uid) {
      if (!volume.status?.phase || volume.status.phase === 'Pending') {
        await writeStatus(context, resources.persistentVolumes, volume, { phase: 'Available' }, signal);
      }
      return {};
    }
    const { namespace, name = '' } = claimRef;
    const there = await kube.get<Claim>(
      resources.persistentVolumeClaims,
      { ...(namespace && { namespace }), name },
      signal,
    );
    if (there?.metadata.uid === claimRef.uid) return {};
    if (policy === 'Delete') await deleteObject(context, resources.persistentVolumes, volume, signal);
    else await writeStatus(context, resources.persistentVolumes, volume, { phase: 'Released' }, signal);
    return {};
  }

  return createController({
    name: 'volume',
    informers,
    log,
    reconcile,
    watches: [
      {
        resource: resources.persistentVolumeClaims,
        keysOf: (object) => {
          const { spec } = object as Claim;
          return spec?.volumeName ? [keyOf(object), { name: spec.volumeName }] : [keyOf(object)];
        },
      },
      {
        resource: resources.persistentVolumes,
        keysOf: (object) => {
          const { namespace, name } = (object as Volume).spec?.claimRef ?? {};
          return namespace && name ? [keyOf(object), { namespace, name }] : [keyOf(object)];
        },
      },
      { resource: resources.storageClasses, keysOf: () => claims.list().filter(isPending).map(keyOf) },
    ],
  });
}

function isPending({ status }: Claim): boolean {
  return status?.phase !== 'Bound';
}

function refuse(claim: Claim, classOf: (name: string) => StorageClass | undefined): Refusal | undefined {
  const { storageClassName, volumeMode = 'Filesystem', selector } = claim.spec ?? {};
  if (volumeMode !== 'Filesystem') {
    return { reason: 'ProvisioningFailed', message: `volumeMode ${volumeMode} is not offered here: use Filesystem` };
  }
  if (selector) return { reason: 'ProvisioningFailed', message: 'claims with a selector are not provisioned here' };
  if (storageClassName === undefined || storageClassName === directoryClass) return undefined;
  if (storageClassName === '')
    return { reason: 'FailedBinding', message: 'no volume is named and no storage class is set' };
  if (classOf(storageClassName)?.provisioner === provisioner) return undefined;
  const advice = `use "${directoryClass}" or leave storageClassName out`;
  return {
    reason: 'ProvisioningFailed',
    message: `storageclass.storage.k8s.io "${storageClassName}" is not offered here: ${advice}`,
  };
}

/** Make the default storage class when it is missing. */
export async function ensureDirectoryClass({ kube }: Pick<ManagerContext, 'kube'>): Promise<void> {
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: directoryClass, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  };
  try {
    await kube.create(resources.storageClasses, storageClass);
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
  }
}
