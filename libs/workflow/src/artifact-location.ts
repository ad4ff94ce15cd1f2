import type { ArchiveKind, ArtifactLocation, JsonObject } from '@sluice/model';
import type { Artifact } from './workflow-types.ts';

/** Kinds of locations, with the field that says which artifact of a store it is, and the field that makes one complete. */
const kinds: Readonly<Record<string, { readonly key?: string; readonly complete: string }>> = {
  s3: { key: 'key', complete: 'bucket' },
  plugin: { key: 'key', complete: 'name' },
  gcs: { key: 'key', complete: 'bucket' },
  azure: { key: 'blob', complete: 'container' },
  oss: { key: 'key', complete: 'bucket' },
  hdfs: { key: 'path', complete: 'addresses' },
  http: { complete: 'url' },
  artifactory: { complete: 'url' },
  git: { complete: 'repo' },
  raw: { complete: 'data' },
};

/** Fields of an artifact that say where it lies. */
export const locationKinds: ReadonlySet<string> = new Set(Object.keys(kinds));

/** Fields of a repository that say how it is used, not where it is. */
const repositoryFields = new Set(['keyFormat', 'keyPrefix']);

/** The location in an artifact, a repository or an archive location; undefined when it names none. */
export function locationOf(holder: JsonObject): ArtifactLocation | undefined {
  for (const kind of locationKinds) if (isObject(holder[kind])) return { [kind]: holder[kind] };
  return undefined;
}

/** The kind of a location and its settings. */
export function partsOf(location: ArtifactLocation): { readonly kind: string; readonly settings: JsonObject } {
  const [kind = '', settings] = Object.entries(location)[0] ?? [];
  return { kind, settings: isObject(settings) ? settings : {} };
}

/** True when a location needs nothing of a repository: it may lack its key. */
export function isComplete(location: ArtifactLocation): boolean {
  const { kind, settings } = partsOf(location);
  const field = kinds[kind]?.complete;
  return field !== undefined && settings[field] !== undefined && (settings[field] !== '' || kind === 'raw');
}

/** The key of a location; undefined when it has none, or when its kind knows no keys. */
export function keyOfLocation(location: ArtifactLocation): string | undefined {
  const { kind, settings } = partsOf(location);
  const field = kinds[kind]?.key;
  const key = field === undefined ? undefined : settings[field];
  return typeof key === 'string' && key !== '' ? key : undefined;
}

/** True when places of this kind are told apart by keys. */
export function hasKeys(location: ArtifactLocation): boolean {
  return kinds[partsOf(location).kind]?.key !== undefined;
}

/** The location with another key. */
export function withKey(location: ArtifactLocation, key: string): ArtifactLocation {
  const { kind, settings } = partsOf(location);
  const field = kinds[kind]?.key;
  if (field === undefined) return location;
  const kept = Object.fromEntries(Object.entries(settings).filter(([name]) => !repositoryFields.has(name)));
  return { [kind]: { ...kept, [field]: key } };
}

/** A location of the same kind with nothing but the key: what a status shows of an artifact in the repository. */
export function keyOnly(location: ArtifactLocation, key: string): ArtifactLocation {
  const { kind } = partsOf(location);
  const field = kinds[kind]?.key;
  return field === undefined ? location : { [kind]: { [field]: key } };
}

/** An artifact whose location leads further down: `subPath` of an argument. */
export function withSubPath(artifact: Artifact, subPath: string): Artifact {
  const location = locationOf(artifact);
  const key = location && keyOfLocation(location);
  if (!location || key === undefined) return artifact;
  return { ...artifact, ...withKey(location, joinKey(key, subPath)) };
}

/** Join parts of a key with single slashes. */
export function joinKey(...parts: readonly string[]): string {
  return parts
    .map((part, index) => (index === 0 ? part.replace(/\/+$/, '') : part.replace(/^\/+|\/+$/g, '')))
    .filter((part) => part !== '')
    .join('/');
}

/** How an artifact is packed; undefined when it does not say. */
export function archiveOf(artifact: JsonObject): { readonly kind: ArchiveKind; readonly level?: number } | undefined {
  const { archive } = artifact;
  if (!isObject(archive)) return undefined;
  if (isObject(archive['none'])) return { kind: 'none' };
  if (isObject(archive['zip'])) return { kind: 'zip' };
  if (!isObject(archive['tar'])) return undefined;
  const level = archive['tar']['compressionLevel'];
  return { kind: 'tar', ...(typeof level === 'number' && level >= -1 && level <= 9 ? { level } : {}) };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
