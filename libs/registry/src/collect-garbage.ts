import { parseManifest } from './manifest.ts';
import type { RegistryParts } from './registry-parts.ts';
import { bytesOf } from './serve-manifests.ts';

export type GarbageOptions = {
  /** What was pushed or asked for within this time stays: a push may still be going on. Default 24 hours. */
  readonly minAgeMs?: number;
  /** Digests of manifests that are in use although no tag names them, such as those of running pods and of releases. */
  readonly inUse?: ReadonlySet<string>;
  /** Also remove manifests without a tag that nobody uses. Default false: then only blobs go. */
  readonly untagged?: boolean;
};

export type Garbage = { readonly manifests: number; readonly blobs: number; readonly bytes: number };

const dayMs = 86_400_000;

/**
 * Remove what no manifest names any more, and on demand manifests that nobody names. Pushes may go on meanwhile: what is young
 * stays, and asking for a blob makes it young again.
 */
export async function collectGarbage(parts: RegistryParts, nowMs: number, options: GarbageOptions): Promise<Garbage> {
  const before = nowMs - (options.minAgeMs ?? dayMs);
  const live = new Set<string>();
  let manifests = 0;
  for (const name of await parts.repositories.names()) {
    if (options.untagged) manifests += await removeUntagged(parts, name, { before, inUse: options.inUse ?? new Set() });
    const named = await namedIn(parts, name);
    for (const digest of named) live.add(digest);
    for (const digest of await parts.repositories.blobsBefore(name, before)) {
      if (!named.has(digest)) await parts.repositories.removeBlob(name, digest);
      else live.add(digest);
    }
    for (const digest of await parts.repositories.blobsBefore(name, Number.POSITIVE_INFINITY)) live.add(digest);
  }
  let blobs = 0;
  let bytes = 0;
  for (const { digest, size } of await parts.blobs.olderThan(before)) {
    if (live.has(digest) || (await isLinked(parts, digest))) continue;
    await parts.blobs.remove(digest);
    blobs++;
    bytes += size;
  }
  return { manifests, blobs, bytes };
}

/** Asked once more right before a blob goes: it may have been mounted meanwhile. */
async function isLinked({ repositories }: RegistryParts, digest: string): Promise<boolean> {
  for (const name of await repositories.names()) if (await repositories.hasBlob(name, digest)) return true;
  return false;
}

type Unused = { readonly before: number; readonly inUse: ReadonlySet<string> };

/** Indexes keep what they list, and a manifest keeps what refers to it (its signatures). */
async function removeUntagged(
  { repositories, ...parts }: RegistryParts,
  name: string,
  { before, inUse }: Unused,
): Promise<number> {
  const all = { ...parts, repositories };
  const manifests = await repositories.manifestsBefore(name, Number.POSITIVE_INFINITY);
  const old = new Set(await repositories.manifestsBefore(name, before));
  const roots = new Set<string>(manifests.filter((digest) => inUse.has(digest) || !old.has(digest)));
  for (const tag of await repositories.tags(name)) roots.add((await repositories.tag(name, tag)) ?? '');
  const reached = new Set<string>();
  const pending = [...roots];
  for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
    if (reached.has(digest) || !(await repositories.manifest(name, digest))) continue;
    reached.add(digest);
    const { manifests: children, subject } = await read(all, name, digest);
    pending.push(...children, ...(subject ? [subject] : []));
    for (const referrer of await repositories.referrers(name, digest)) pending.push(referrer.digest);
  }
  const unused = manifests.filter((digest) => !reached.has(digest));
  for (const digest of unused) await repositories.removeManifest(name, digest);
  return unused.length;
}

/** Digests that the manifests of a repository need: their own, and those of what they are made of. */
async function namedIn(parts: RegistryParts, name: string): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  for (const digest of await parts.repositories.manifestsBefore(name, Number.POSITIVE_INFINITY)) {
    named.add(digest);
    for (const blob of (await read(parts, name, digest)).blobs) named.add(blob);
  }
  return named;
}

async function read(parts: RegistryParts, name: string, digest: string) {
  const record = await parts.repositories.manifest(name, digest);
  if (!record) throw new Error(`manifest ${digest} of ${name} vanished while garbage was collected; run it again`);
  return parseManifest(await bytesOf(parts, digest), record.mediaType);
}
