import { ConfigError, fieldValue, type NodeFacts, resourceValue } from '../container/downward.ts';
import type { KeyedData, ReadKeyed } from '../container/environment.ts';
import type { DownwardItem, KeyToPath, Pod, ProjectedSource, Volume } from '../pod/pod-spec.ts';

/** Files of a volume whose content the API holds: path in the volume → bytes and mode. */
export type VolumeContent = ReadonlyMap<string, { readonly bytes: Uint8Array; readonly mode: number }>;

export type TokenRequest = { readonly audience?: string; readonly expirationSeconds?: number };

export type ContentPorts = {
  readonly node: NodeFacts;
  readonly read: ReadKeyed;
  /** A token of the pod's service account that is good for some time to come. */
  readonly token: (request: TokenRequest) => Promise<string>;
};

type MutableContent = Map<string, { bytes: Uint8Array; mode: number }>;

const defaultFileMode = 0o644;

/** True for a volume that is filled from the API. */
export function hasContent(volume: Volume): boolean {
  return Boolean(volume.configMap ?? volume.secret ?? volume.projected ?? volume.downwardAPI);
}

/** Collect the files of a configMap, secret, projected or downwardAPI volume. Throws {@link ConfigError}. */
export async function volumeContent(pod: Pod, volume: Volume, ports: ContentPorts): Promise<VolumeContent> {
  const content: MutableContent = new Map();
  const mode =
    volume.configMap?.defaultMode ??
    volume.secret?.defaultMode ??
    volume.projected?.defaultMode ??
    volume.downwardAPI?.defaultMode ??
    defaultFileMode;
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) await addSource({ configMap }, pod, mode, ports, content);
  if (secret) {
    const { secretName, ...rest } = secret;
    await addSource({ secret: { ...rest, ...(secretName ? { name: secretName } : {}) } }, pod, mode, ports, content);
  }
  if (downwardAPI) await addSource({ downwardAPI }, pod, mode, ports, content);
  for (const source of projected?.sources ?? []) await addSource(source, pod, mode, ports, content);
  return content;
}

async function addSource(
  source: ProjectedSource,
  pod: Pod,
  mode: number,
  ports: ContentPorts,
  content: MutableContent,
): Promise<void> {
  if (source.configMap) await addKeyed('configMap', source.configMap, mode, ports.read, content);
  if (source.secret) await addKeyed('secret', source.secret, mode, ports.read, content);
  for (const item of source.downwardAPI?.items ?? []) addDownward(item, pod, mode, ports.node, content);
  const token = source.serviceAccountToken;
  if (token) {
    const { path, ...request } = token;
    content.set(checkedPath(path), { bytes: Buffer.from(await ports.token(request)), mode: 0o600 });
  }
}

type KeyedSource = { readonly name?: string; readonly optional?: boolean; readonly items?: readonly KeyToPath[] };

async function addKeyed(
  kind: 'configMap' | 'secret',
  source: KeyedSource,
  mode: number,
  read: ReadKeyed,
  content: MutableContent,
): Promise<void> {
  const name = source.name ?? '';
  const object = await read(kind, name);
  if (!object) {
    if (source.optional) return;
    throw new ConfigError(`${kind.toLowerCase()} "${name}" not found; create it, or mark the volume optional`);
  }
  const data = binaryData(kind, object);
  for (const { key, path, mode: own } of source.items ??
    [...data.keys()].map((key) => ({ key, path: key }) as KeyToPath)) {
    const bytes = data.get(key);
    if (bytes) content.set(checkedPath(path), { bytes, mode: own ?? mode });
    else if (!source.optional)
      throw new ConfigError(`${kind.toLowerCase()} "${name}" has no key ${JSON.stringify(key)}`);
  }
}

function binaryData(kind: 'configMap' | 'secret', object: KeyedData): ReadonlyMap<string, Uint8Array> {
  const result = new Map<string, Uint8Array>();
  const encoding = kind === 'secret' ? 'base64' : 'utf8';
  for (const [key, value] of Object.entries(object.data ?? {})) result.set(key, Buffer.from(value, encoding));
  for (const [key, value] of Object.entries(object.binaryData ?? {})) result.set(key, Buffer.from(value, 'base64'));
  return result;
}

function addDownward(item: DownwardItem, pod: Pod, mode: number, node: NodeFacts, content: MutableContent): void {
  const { fieldRef, resourceFieldRef } = item;
  const value = fieldRef
    ? fieldValue(pod, fieldRef, node)
    : resourceFieldRef
      ? resourceValue(pod, resourceFieldRef.containerName ?? '', resourceFieldRef)
      : '';
  content.set(checkedPath(item.path), { bytes: Buffer.from(value), mode: item.mode ?? mode });
}

/** A path inside the volume: relative, without `..`. */
export function checkedPath(path: string): string {
  const parts = path.split('/');
  if (path === '' || path.startsWith('/') || path.includes('\0') || parts.includes('..')) {
    throw new ConfigError(`${JSON.stringify(path)} is not a path inside a volume; it must be relative, without ".."`);
  }
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}
