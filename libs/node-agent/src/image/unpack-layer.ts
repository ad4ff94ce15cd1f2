import { createHash } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PassThrough, Readable, Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { resolveInView } from '../container/container-view.ts';

/** A layer that is damaged or tries to leave its place. The message names the entry. */
export class LayerError extends Error {
  override readonly name = 'LayerError';
}

export type UnpackLimits = { readonly maxBytes: number; readonly maxEntries: number };

/** 8 GiB and half a million entries a layer. */
export const defaultUnpackLimits: UnpackLimits = Object.freeze({ maxBytes: 8 * 2 ** 30, maxEntries: 500_000 });

/**
 * Lay one layer over the tree in `root`. Names with `..`, absolute names, links out of the root, devices and fifos are
 * refused; symbolic links on the way are followed inside `root` only; whiteouts remove what lower layers had.
 * Throws {@link LayerError} also when the bytes are not those of `digest`.
 */
export async function unpackLayer(
  bytes: AsyncIterable<Uint8Array>,
  layer: { readonly digest: string; readonly mediaType: string },
  root: string,
  limits: UnpackLimits = defaultUnpackLimits,
): Promise<void> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const target = new LayerTarget(root, limits);
  const tar = extract();
  const entries = (async () => {
    for await (const entry of tar) await target.add(entry.header, entry as Content);
  })();
  entries.catch(() => tar.destroy());
  try {
    // The streams of tar-stream are not of Node's classes, but behave as such.
    const sink = tar as unknown as NodeJS.WritableStream;
    await pipeline(Readable.from(bytes), hashing, decompressor(layer.mediaType), sink);
  } catch (error) {
    // What an entry was refused for says more than that the stream then broke off.
    const refused: unknown = await entries.catch((cause: unknown) => cause);
    if (refused instanceof LayerError) throw refused;
    throw new LayerError(`layer ${layer.digest} cannot be read`, { cause: error });
  }
  await entries;
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== layer.digest) throw new LayerError(`layer ${layer.digest} is damaged: its bytes are ${actual}`);
}

function decompressor(mediaType: string): Transform {
  if (mediaType.endsWith('+zstd')) return createZstdDecompress();
  if (mediaType.endsWith('+gzip') || mediaType.endsWith('.gzip') || mediaType.endsWith('tar.gz')) return createGunzip();
  return new PassThrough();
}

/** An entry's bytes; the next entry comes only after they were read or skipped. */
type Content = AsyncIterable<Uint8Array> & { resume(): unknown };

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

class LayerTarget {
  readonly #root: string;
  readonly #limits: UnpackLimits;
  /** Host paths that this layer made: an opaque mark must not remove them. */
  readonly #made = new Set<string>();
  #bytes = 0;
  #entries = 0;

  constructor(root: string, limits: UnpackLimits) {
    this.#root = root;
    this.#limits = limits;
  }

  async add(header: Header, content: Content): Promise<void> {
    if (++this.#entries > this.#limits.maxEntries) throw new LayerError(`more than ${this.#limits.maxEntries} entries`);
    this.#bytes += header.size ?? 0;
    if (this.#bytes > this.#limits.maxBytes) throw new LayerError(`more than ${this.#limits.maxBytes} bytes unpacked`);
    const name = checkedName(header.name);
    if (name === '') return void content.resume();
    const parent = await this.#parentOf(name);
    const path = join(parent, basename(name));
    if (basename(name) === opaque) await this.#clear(parent);
    else if (basename(name).startsWith(whiteout)) {
      await rm(join(parent, basename(name).slice(whiteout.length)), { recursive: true, force: true });
    } else await this.#make(path, header, content);
    content.resume();
  }

  async #make(path: string, header: Header, content: Content): Promise<void> {
    const mode = (header.mode ?? 0o644) & 0o777;
    switch (header.type) {
      case 'directory':
        await this.#makeDirectory(path, mode);
        break;
      case 'file':
      case 'contiguous-file':
        await rm(path, { recursive: true, force: true });
        await pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
        // The tree is shared by all containers of the image: nobody writes to it.
        await chmod(path, mode & 0o555);
        break;
      case 'symlink':
        await rm(path, { recursive: true, force: true });
        await symlink(this.#checkedTarget(path, header), path);
        break;
      case 'link': {
        const source = resolveInView(this.#view(), posix.join('/', checkedName(header.linkname ?? '')));
        await rm(path, { recursive: true, force: true });
        await copyFile(source, path, constants.COPYFILE_FICLONE);
        await chmod(path, (await lstat(source)).mode & 0o555);
        break;
      }
      case 'block-device':
      case 'character-device':
      case 'fifo':
      default:
        throw new LayerError(`${header.name}: a ${header.type ?? 'entry of unknown type'} may not be in an image`);
    }
    this.#made.add(path);
  }

  async #makeDirectory(path: string, mode: number): Promise<void> {
    const found = await lstat(path).catch(() => undefined);
    if (found && !found.isDirectory()) await rm(path, { force: true });
    if (!found?.isDirectory()) await mkdir(path);
    await chmod(path, mode | 0o700);
  }

  #view() {
    return [{ path: '/', source: this.#root, readOnly: false }];
  }

  async #parentOf(name: string): Promise<string> {
    const directory = dirname(name);
    const path = directory === '.' ? this.#root : resolveInView(this.#view(), posix.join('/', directory));
    await mkdir(path, { recursive: true });
    return path;
  }

  /** A relative target may not climb over the root; an absolute one is meant inside the container. */
  #checkedTarget(path: string, header: Header): string {
    const target = header.linkname ?? '';
    const place = dirname(path).slice(this.#root.length);
    const depth = place.split('/').filter(Boolean).length;
    const climbs = target.startsWith('/') ? 0 : leadingClimbs(target);
    if (target === '' || climbs > depth) throw new LayerError(`${header.name}: the link to ${target} leaves the image`);
    return target;
  }

  async #clear(directory: string): Promise<void> {
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (!this.#made.has(path)) await rm(path, { recursive: true, force: true });
    }
  }
}

function leadingClimbs(target: string): number {
  const normal = posix.normalize(target).split('/');
  const first = normal.findIndex((part) => part !== '..');
  return first < 0 ? normal.length : first;
}

/** The name of an entry relative to the root; '' for the root itself. */
function checkedName(name: string): string {
  if (name.includes('\0') || name.startsWith('/') || name.split('/').includes('..')) {
    throw new LayerError(`${JSON.stringify(name)} is not a name inside the image`);
  }
  const normal = posix.normalize(name).replace(/\/$/, '');
  return normal === '.' ? '' : normal;
}
