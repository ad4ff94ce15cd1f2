import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { holds, type ViewMount } from '../container/container-view.ts';
import { ConfigError } from '../container/downward.ts';
import { expandReferences } from '../container/expansion.ts';
import type { Container, Pod, Volume } from '../pod/pod-spec.ts';
import { checkedPath, type ContentPorts, hasContent, type TokenRequest } from './volume-content.ts';

/** Where a volume of a pod lies on the host. */
export type VolumeSource = { readonly path: string; readonly readOnly: boolean };

/** A token and when it ends, in milliseconds since the epoch. */
export type IssuedToken = { readonly token: string; readonly expiresAt: number };

export type VolumePorts = Omit<ContentPorts, 'token'> & {
  /** A new token of the pod's service account. */
  readonly requestToken: (request: TokenRequest) => Promise<IssuedToken>;
  /** Directory `pods/<uid>/volumes`. */
  readonly directory: string;
  /** The directory of a claim once it is bound; throws {@link ConfigError} while it is not. */
  readonly claimDirectory: (claimName: string) => Promise<string>;
  readonly allowHostPath: boolean;
};

/** Writes the files of a volume that the API fills into its directory. */
export type FillVolume = (volume: Volume, directory: string) => Promise<void>;

/** Make all volumes of a pod. Doing it again, after a failure or a restart, is fine. Throws {@link ConfigError}. */
export async function preparePodVolumes(
  pod: Pod,
  ports: VolumePorts,
  fill: FillVolume,
): Promise<ReadonlyMap<string, VolumeSource>> {
  const volumes = pod.spec?.volumes ?? [];
  // All of them have come to an end before the first failure is told: the next try must not meet a write of this one.
  const settled = await Promise.allSettled(volumes.map((volume) => prepareVolume(volume, ports, fill)));
  return new Map(
    settled.map((result, i) => {
      if (result.status === 'rejected') throw result.reason;
      return [volumes[i]?.name ?? '', result.value];
    }),
  );
}

async function prepareVolume(volume: Volume, ports: VolumePorts, fill: FillVolume): Promise<VolumeSource> {
  const directory = join(ports.directory, volume.name);
  if (hasContent(volume)) {
    await fill(volume, directory);
    return { path: directory, readOnly: true };
  }
  if (volume.persistentVolumeClaim) {
    const { claimName, readOnly = false } = volume.persistentVolumeClaim;
    return { path: await ports.claimDirectory(claimName), readOnly };
  }
  if (volume.hostPath) return hostPath(volume, ports.allowHostPath);
  if (volume.emptyDir) {
    await mkdir(directory, { recursive: true });
    // Whoever the container runs as writes here.
    await chmod(directory, 0o777);
    return { path: directory, readOnly: false };
  }
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'none';
  throw new ConfigError(
    `volume "${volume.name}" is of type ${kind}, which this node does not offer; use emptyDir, configMap, secret, ` +
      'projected, downwardAPI or persistentVolumeClaim',
  );
}

async function hostPath(volume: Volume, allowed: boolean): Promise<VolumeSource> {
  const { path = '', type = '' } = volume.hostPath ?? {};
  if (!allowed) {
    throw new ConfigError(`volume "${volume.name}": hostPath is not allowed on this node; use a persistentVolumeClaim`);
  }
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true });
  const found = await stat(path).catch(() => undefined);
  if (!found && type !== '') throw new ConfigError(`volume "${volume.name}": host path ${path} does not exist`);
  return { path, readOnly: false };
}

/** The mounts of one container, with subPath followed. Throws {@link ConfigError}. */
export async function containerMounts(
  container: Container,
  volumes: ReadonlyMap<string, VolumeSource>,
  env: Readonly<Record<string, string>>,
): Promise<readonly ViewMount[]> {
  const mounts: ViewMount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = volumes.get(mount.name);
    if (!volume)
      throw new ConfigError(`container "${container.name}" mounts "${mount.name}": the pod has no such volume`);
    if (!mount.mountPath.startsWith('/')) throw new ConfigError(`mountPath ${mount.mountPath} is not absolute`);
    const sub = mount.subPathExpr ? expandReferences(mount.subPathExpr, (name) => env[name]) : (mount.subPath ?? '');
    const source = sub === '' ? volume.path : await subPath(volume, sub);
    const path = posix.normalize(mount.mountPath).replace(/(.)\/$/, '$1');
    mounts.push({ path, source, readOnly: volume.readOnly || (mount.readOnly ?? false) });
  }
  return mounts;
}

/** A container may have put a link into the volume: where it leads out of it, nothing is mounted. */
async function subPath(volume: VolumeSource, sub: string): Promise<string> {
  const wanted = join(volume.path, checkedPath(sub));
  const exists = await stat(wanted).catch(() => undefined);
  if (!exists && volume.readOnly) throw new ConfigError(`subPath ${sub} does not exist in the volume`);
  const root = await realpath(volume.path);
  if (!exists) {
    await checkParents(root, wanted, sub);
    await mkdir(wanted, { recursive: true });
  }
  const real = await realpath(wanted);
  if (!holds(root, real)) throw new ConfigError(`subPath ${sub} leads out of its volume`);
  return real;
}

async function checkParents(root: string, wanted: string, sub: string): Promise<void> {
  for (let parent = posix.dirname(wanted); parent !== '/'; parent = posix.dirname(parent)) {
    const real = await realpath(parent).catch(() => undefined);
    if (real === undefined) continue;
    if (!holds(root, real)) throw new ConfigError(`subPath ${sub} leads out of its volume`);
    return;
  }
}
