import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join, matchesGlob, posix } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { mediaTypes, type Content } from './content.ts';

export type LayerOptions = {
  /** Directory whose files go in. */
  readonly context: string;
  /** Paths or globs relative to `context`; a directory means all that is in it. Default: everything. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Where the files are placed, absolute. */
  readonly workdir: string;
  /** File that is written: the compressed layer. */
  readonly output: string;
  /** Modification time of every entry, seconds since 1970. */
  readonly mtimeSeconds: number;
  readonly signal?: AbortSignal;
};

/** A layer in a file, and the digest of its uncompressed form. */
export type Layer = { readonly content: Content; readonly diffId: string; readonly files: number };

type Entry = { readonly path: string; readonly kind: 'directory' | 'file' | 'link' };

const maxEntries = 200_000;
const alwaysExcluded = ['.git', '**/.git'];

/** Nothing in the context matches one of the wanted paths. */
export class NothingToPackage extends Error {
  override readonly name = 'NothingToPackage';
}

/**
 * Write a layer as tar.gz. The same files give the same bytes: entries are sorted, belong to root, have modes 644 or 755 and one
 * fixed time. Links are kept when they stay inside the context.
 */
export async function buildLayer(options: LayerOptions): Promise<Layer> {
  const entries = await collect(options);
  const tar = pack();
  const inner = createHash('sha256');
  const outer = createHash('sha256');
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      outer.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      inner.update(chunk);
      done(null, chunk);
    },
  });
  const target = createWriteStream(options.output, { flush: true });
  const signal = options.signal ?? new AbortController().signal;
  const writing = pipeline(Readable.from(tar), tap, createGzip({ level: 6 }), measure, target, { signal });
  const filling = fill(tar, entries, options).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  await Promise.all([writing, filling]);
  const digest = `sha256:${outer.digest('hex')}`;
  return {
    content: { descriptor: { mediaType: mediaTypes.imageLayer, digest, size }, path: options.output },
    diffId: `sha256:${inner.digest('hex')}`,
    files: entries.filter(({ kind }) => kind !== 'directory').length,
  };
}

async function collect({ context, include = ['**'], exclude = [], signal }: LayerOptions): Promise<readonly Entry[]> {
  const used = new Set<string>();
  const found = new Map<string, Entry>();
  const banned = [...alwaysExcluded, ...exclude];
  const patterns = include.map((pattern) => pattern.replace(/^\.\//, '').replace(/\/+$/, '') || '**');
  const visit = async (directory: string): Promise<void> => {
    signal?.throwIfAborted();
    const children = await readdir(join(context, directory), { withFileTypes: true });
    for (const child of children) {
      const path = posix.join(directory, child.name);
      if (banned.some((pattern) => covers(pattern, path))) continue;
      const kind = child.isDirectory()
        ? 'directory'
        : child.isSymbolicLink()
          ? 'link'
          : child.isFile()
            ? 'file'
            : undefined;
      if (!kind) continue;
      const matching = patterns.filter((pattern) => pattern === '.' || covers(pattern, path));
      for (const pattern of matching) used.add(pattern);
      if (matching.length > 0) found.set(path, { path, kind });
      if (found.size > maxEntries) throw new NothingToPackage(`more than ${maxEntries} files; narrow "include"`);
      if (kind === 'directory') await visit(path);
    }
  };
  await visit('');
  const unused = patterns.filter((pattern) => !used.has(pattern));
  if (unused.length > 0 || found.size === 0) {
    const names = unused.map((pattern) => `"${pattern}"`).join(', ');
    throw new NothingToPackage(`nothing in ${context} matches ${names || 'what is to be included'}; check "include"`);
  }
  for (const { path } of Array.from(found.values())) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      if (!found.has(parent)) found.set(parent, { path: parent, kind: 'directory' });
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** True when the pattern names the path or a directory above it. */
function covers(pattern: string, path: string): boolean {
  for (let part = path; part !== '.'; part = posix.dirname(part)) if (matchesGlob(part, pattern)) return true;
  return false;
}

async function fill(tar: Pack, entries: readonly Entry[], options: LayerOptions): Promise<void> {
  const { context, workdir, mtimeSeconds } = options;
  const common = { mtime: new Date(mtimeSeconds * 1_000), uid: 0, gid: 0, uname: '', gname: '' };
  const root = posix.normalize(workdir).replace(/^\/+|\/+$/g, '');
  const parts = root === '' || root === '.' ? [] : root.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    tar.entry({ ...common, name: `${parts.slice(0, depth).join('/')}/`, type: 'directory', mode: 0o755 });
  }
  for (const { path, kind } of entries) {
    options.signal?.throwIfAborted();
    const name = posix.join(...parts, path);
    const source = join(context, path);
    if (kind === 'directory') {
      tar.entry({ ...common, name: `${name}/`, type: 'directory', mode: 0o755 });
    } else if (kind === 'link') {
      tar.entry({ ...common, name, type: 'symlink', linkname: await insideLink(source, path), mode: 0o777 });
    } else {
      const { size, mode } = await stat(source);
      const entry = tar.entry({ ...common, name, size, mode: mode & 0o100 ? 0o755 : 0o644 });
      await pipeline(createReadStream(source), entry);
    }
  }
  tar.finalize();
}

async function insideLink(source: string, path: string): Promise<string> {
  await lstat(source);
  const target = await readlink(source);
  const reached = posix.normalize(posix.join(posix.dirname(path), target));
  if (posix.isAbsolute(target) || reached === '..' || reached.startsWith('../')) {
    throw new NothingToPackage(
      `${path} is a link to ${target}, outside the directory that is packaged; remove or exclude it`,
    );
  }
  return target;
}
