import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf, hexOf } from './oci-names.ts';

/** What is kept about a manifest beside its bytes. */
export type ManifestRecord = { readonly mediaType: string; readonly size: number; readonly subject?: string };

/** A descriptor as it stands in a list of referrers. */
export type Referrer = {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/**
 * Which blobs, manifests, tags and referrers belong to which repository: small files under
 * `repositories/<name>/{_blobs,_manifests,_tags,_referrers}`, each replaced as a whole.
 */
export class RepositoryFiles {
  readonly #root: string;

  constructor(directory: string) {
    this.#root = join(directory, 'repositories');
  }

  async hasBlob(name: string, digest: string): Promise<boolean> {
    return (await readText(join(this.#root, name, '_blobs', hexOf(digest)))) !== undefined;
  }

  async addBlob(name: string, digest: string): Promise<void> {
    await writeWhole(join(this.#root, name, '_blobs', hexOf(digest)), '');
  }

  async removeBlob(name: string, digest: string): Promise<void> {
    await rm(join(this.#root, name, '_blobs', hexOf(digest)), { force: true });
  }

  /** Make a blob young, so that no garbage collection takes it from a push that relies on it. */
  async touchBlob(name: string, digest: string): Promise<void> {
    const now = new Date();
    await utimes(join(this.#root, name, '_blobs', hexOf(digest)), now, now).catch(() => undefined);
  }

  /** When a blob of the repository was last pushed or asked for, in milliseconds since the epoch. */
  async touchedAt(name: string, digest: string): Promise<number | undefined> {
    const found = await stat(join(this.#root, name, '_blobs', hexOf(digest))).catch(() => undefined);
    return found?.mtimeMs;
  }

  /** Digests of the repository's blobs that were last pushed or asked for before a time. */
  async blobsBefore(name: string, timeMs: number): Promise<readonly string[]> {
    return olderThan(join(this.#root, name, '_blobs'), timeMs);
  }

  /** Digests of the repository's manifests that were pushed before a time. */
  async manifestsBefore(name: string, timeMs: number): Promise<readonly string[]> {
    return olderThan(join(this.#root, name, '_manifests'), timeMs);
  }

  async manifest(name: string, digest: string): Promise<ManifestRecord | undefined> {
    const text = await readText(join(this.#root, name, '_manifests', hexOf(digest)));
    return text === undefined ? undefined : (JSON.parse(text) as ManifestRecord);
  }

  async addManifest(name: string, digest: string, record: ManifestRecord): Promise<void> {
    await writeWhole(join(this.#root, name, '_manifests', hexOf(digest)), JSON.stringify(record));
  }

  /** Remove a manifest with every tag that names it. */
  async removeManifest(name: string, digest: string): Promise<void> {
    const record = await this.manifest(name, digest);
    for (const tag of await this.tags(name)) {
      if ((await this.tag(name, tag)) === digest) await this.removeTag(name, tag);
    }
    if (record?.subject) {
      await rm(join(this.#root, name, '_referrers', hexOf(record.subject), hexOf(digest)), { force: true });
    }
    await rm(join(this.#root, name, '_manifests', hexOf(digest)), { force: true });
  }

  async tag(name: string, tag: string): Promise<string | undefined> {
    return readText(join(this.#root, name, '_tags', tag));
  }

  async setTag(name: string, tag: string, digest: string): Promise<void> {
    await writeWhole(join(this.#root, name, '_tags', tag), digest);
  }

  async removeTag(name: string, tag: string): Promise<void> {
    await rm(join(this.#root, name, '_tags', tag), { force: true });
  }

  /** Tags in lexical order. */
  async tags(name: string): Promise<readonly string[]> {
    return (await entries(join(this.#root, name, '_tags'))).sort();
  }

  async addReferrer(name: string, subject: string, referrer: Referrer): Promise<void> {
    const path = join(this.#root, name, '_referrers', hexOf(subject), hexOf(referrer.digest));
    await writeWhole(path, JSON.stringify(referrer));
  }

  async referrers(name: string, subject: string): Promise<readonly Referrer[]> {
    const folder = join(this.#root, name, '_referrers', hexOf(subject));
    const found: Referrer[] = [];
    for (const entry of (await entries(folder)).sort()) {
      const text = await readText(join(folder, entry));
      if (text !== undefined) found.push(JSON.parse(text) as Referrer);
    }
    return found;
  }

  /** True when something was pushed under this name. */
  async exists(name: string): Promise<boolean> {
    return (await entries(join(this.#root, name))).some((entry) => entry.startsWith('_'));
  }

  /** Names of all repositories in lexical order. */
  async names(): Promise<readonly string[]> {
    const found: string[] = [];
    const visit = async (name: string): Promise<void> => {
      const inside = await entries(join(this.#root, name));
      if (name && inside.includes('_manifests')) found.push(name);
      for (const entry of inside) if (!entry.startsWith('_')) await visit(name ? `${name}/${entry}` : entry);
    };
    await visit('');
    return found.sort();
  }
}

async function olderThan(folder: string, timeMs: number): Promise<readonly string[]> {
  const digests: string[] = [];
  for (const entry of await entries(folder)) {
    const found = await stat(join(folder, entry)).catch(() => undefined);
    if (found && found.mtimeMs < timeMs) digests.push(digestOf(entry));
  }
  return digests;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function entries(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).filter((entry) => !entry.startsWith('.'));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A directory in the place of a file, or the other way round, reads as "not there": `a` and `a/b` are both names. */
function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${randomUUID()}`);
  const file = await open(temporary, 'wx', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
