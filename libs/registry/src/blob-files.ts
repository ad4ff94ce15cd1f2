import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { algorithmOf, type DigestAlgorithm, digestOf, hexOf, isDigest } from './oci-names.ts';

/** A part of a blob, both ends included. */
export type ByteRange = { readonly start: number; readonly end: number };

/** A blob whose file no longer has the content that its digest promises. */
export class DamagedBlob extends Error {
  override readonly name = 'DamagedBlob';
}

const algorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];

/** Content-addressed files under `blobs/<algorithm>/<hex>`; written to a temporary file, synced, then renamed. */
export class BlobFiles {
  readonly #blobs: string;
  readonly #uploads: string;
  readonly #verified = new Map<string, string>();

  private constructor(directory: string) {
    this.#blobs = join(directory, 'blobs');
    this.#uploads = join(directory, 'uploads');
  }

  /** Open the store; left-over uploads of an earlier life are removed. */
  static async open(directory: string): Promise<BlobFiles> {
    const files = new BlobFiles(directory);
    await rm(files.#uploads, { recursive: true, force: true });
    for (const algorithm of algorithms) await mkdir(join(files.#blobs, algorithm), { recursive: true });
    await mkdir(files.#uploads, { recursive: true });
    return files;
  }

  /** Size in bytes, or undefined when there is no such blob. */
  async size(digest: string): Promise<number | undefined> {
    return (await this.#stat(digest))?.size;
  }

  /** Path of the blob's file once its content has been checked against the digest; undefined when missing or damaged. */
  async verifiedPath(digest: string): Promise<string | undefined> {
    const found = await this.#stat(digest);
    if (!found) return undefined;
    const path = this.#pathOf(digest);
    const stamp = `${found.size}:${found.mtimeMs}`;
    if (this.#verified.get(digest) === stamp) return path;
    if ((await digestOfFile(path, algorithmOf(digest))) !== digest) return undefined;
    if (this.#verified.size > 10_000) this.#verified.clear();
    this.#verified.set(digest, stamp);
    return path;
  }

  /**
   * The bytes of a blob. A whole read is checked against the digest while it goes, and throws {@link DamagedBlob} before its last
   * chunk when it differs; a part is given out only of a file that was checked as a whole.
   */
  async *read(digest: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const path = this.#pathOf(digest);
    if (range) {
      yield* createReadStream(path, { ...range }) as AsyncIterable<Uint8Array>;
      return;
    }
    const hash = createHash(algorithmOf(digest));
    let held: Uint8Array | undefined;
    for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      if (held) yield held;
      held = chunk;
    }
    if (hash.digest('hex') !== hexOf(digest)) {
      throw new DamagedBlob(`blob ${digest} is damaged on disk; push it again`);
    }
    if (held) yield held;
  }

  /** Blobs that were written before a time. */
  async olderThan(timeMs: number): Promise<readonly { readonly digest: string; readonly size: number }[]> {
    const found: { digest: string; size: number }[] = [];
    for (const algorithm of algorithms) {
      for (const hex of await readdir(join(this.#blobs, algorithm))) {
        const digest = digestOf(hex);
        const facts = isDigest(digest) ? await this.#stat(digest) : undefined;
        if (facts && facts.mtimeMs < timeMs) found.push({ digest, size: facts.size });
      }
    }
    return found;
  }

  /** Delete a blob's file. */
  async remove(digest: string): Promise<void> {
    this.#verified.delete(digest);
    await rm(this.#pathOf(digest), { force: true });
  }

  /** Begin writing a blob. */
  async startUpload(): Promise<Upload> {
    const path = join(this.#uploads, randomUUID());
    return new Upload(path, await open(path, 'wx', 0o644));
  }

  /** Turn a finished upload into a blob. The digest must be that of the upload's content. */
  async commit(upload: Upload, digest: string): Promise<void> {
    await upload.sync();
    await rename(upload.path, this.#pathOf(digest));
    const folder = await open(join(this.#blobs, algorithmOf(digest)), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async #stat(digest: string): Promise<{ size: number; mtimeMs: number } | undefined> {
    try {
      return await stat(this.#pathOf(digest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #pathOf(digest: string): string {
    return join(this.#blobs, algorithmOf(digest), hexOf(digest));
  }
}

async function digestOfFile(path: string, algorithm: DigestAlgorithm): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return digestOf(hash.digest('hex'));
}

/** A blob being written. */
export class Upload {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #size = 0;
  #broken = false;

  constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** Bytes that were written whole, in order. */
  get size(): number {
    return this.#size;
  }
  /** A write failed half way: what is in the file is not known any more. */
  get broken(): boolean {
    return this.#broken;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#broken = true;
    await this.#file.writeFile(chunk);
    this.#broken = false;
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Digest of what was written so far. That of the usual algorithm was taken on the way; for another the file is read. */
  async digest(algorithm: DigestAlgorithm): Promise<string> {
    if (algorithm !== 'sha256') return digestOfFile(this.path, algorithm);
    return digestOf(this.#hash.copy().digest('hex'));
  }

  async sync(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
  }

  /** Throw the upload away. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.path, { force: true });
  }
}
