import { DamagedBlob } from './blob-files.ts';
import { type ParsedManifest, parseManifest } from './manifest.ts';
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
 * stays, asking for a blob makes it young again, and a repository that saw a push since it was looked through is left for the
 * next time.
 */
export async function collectGarbage(parts: RegistryParts, nowMs: number, options: GarbageOptions): Promise<Garbage> {
  const before = nowMs - (options.minAgeMs ?? dayMs);
  let manifests = 0;
  for (const name of await parts.repositories.names()) {
    try {
      if (options.untagged)
        manifests += await removeUntagged(parts, name, { before, inUse: options.inUse ?? new Set() });
      await removeUnnamedLinks(parts, name, before);
    } catch (error) {
      // Nobody knows what a damaged manifest names: nothing of this repository goes.
      if (!(error instanceof DamagedBlob)) throw error;
    }
  }
  let blobs = 0;
  let bytes = 0;
  for (const { digest, size } of await parts.blobs.olderThan(before)) {
    if (!(await parts.gate.alone(() => removeUnlinked(parts, digest)))) continue;
    blobs++;
    bytes += size;
  }
  return { manifests, blobs, bytes };
}

/** Blobs of a repository that no manifest of it names. */
async function removeUnnamedLinks(parts: RegistryParts, name: string, before: number): Promise<void> {
  const { gate, repositories } = parts;
  const seen = gate.pushesOf(name);
  const named = await namedIn(parts, name);
  const unnamed = (await repositories.blobsBefore(name, before)).filter((digest) => !named.has(digest));
  for (const digest of unnamed) {
    await gate.alone(async () => {
      const asked = ((await repositories.touchedAt(name, digest)) ?? 0) >= before;
      if (gate.pushesOf(name) === seen && !asked) await repositories.removeBlob(name, digest);
    });
  }
}

/** True when the file was removed, since no repository has the blob. */
async function removeUnlinked({ blobs, repositories }: RegistryParts, digest: string): Promise<boolean> {
  for (const name of await repositories.names()) {
    if ((await repositories.hasBlob(name, digest)) || (await repositories.manifest(name, digest))) return false;
  }
  await blobs.remove(digest);
  return true;
}

type Unused = { readonly before: number; readonly inUse: ReadonlySet<string> };

/** Indexes keep what they list, and a manifest keeps what refers to it (its signatures). */
async function removeUntagged(
  { gate, repositories, ...rest }: RegistryParts,
  name: string,
  { before, inUse }: Unused,
): Promise<number> {
  const parts = { ...rest, gate, repositories };
  const seen = gate.pushesOf(name);
  const manifests = await repositories.manifestsBefore(name, Number.POSITIVE_INFINITY);
  const old = new Set(await repositories.manifestsBefore(name, before));
  const roots = new Set<string>(manifests.filter((digest) => inUse.has(digest) || !old.has(digest)));
  for (const tag of await repositories.tags(name)) roots.add((await repositories.tag(name, tag)) ?? '');
  const reached = new Set<string>();
  const pending = [...roots];
  for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
    if (reached.has(digest) || !(await repositories.manifest(name, digest))) continue;
    reached.add(digest);
    const { manifests: children = [], subject } = (await read(parts, name, digest)) ?? {};
    pending.push(...children, ...(subject ? [subject] : []));
    for (const referrer of await repositories.referrers(name, digest)) pending.push(referrer.digest);
  }
  let removed = 0;
  for (const digest of manifests.filter((manifest) => !reached.has(manifest))) {
    await gate.alone(async () => {
      if (gate.pushesOf(name) !== seen) return;
      await repositories.removeManifest(name, digest);
      removed++;
    });
  }
  return removed;
}

/** Digests that the manifests of a repository need: their own, and those of what they are made of. */
async function namedIn(parts: RegistryParts, name: string): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  for (const digest of await parts.repositories.manifestsBefore(name, Number.POSITIVE_INFINITY)) {
    named.add(digest);
    for (const blob of (await read(parts, name, digest))?.blobs ?? []) named.add(blob);
  }
  return named;
}

/** undefined for a manifest that was deleted meanwhile. */
async function read(parts: RegistryParts, name: string, digest: string): Promise<ParsedManifest | undefined> {
  const record = await parts.repositories.manifest(name, digest);
  return record && parseManifest(await bytesOf(parts, digest), record.mediaType);
}
