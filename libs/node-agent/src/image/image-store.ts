import { existsSync, lstatSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageConfig, ImagePort, ResolvedImage } from './image-port.ts';
import type { Container } from '../pod/pod-spec.ts';
import { unpackLayer } from './unpack-layer.ts';

/** What a container is started from. Without `directory` and `name` host tools stand in. */
export type LocalImage = {
  readonly digest?: string;
  readonly config: ImageConfig;
  /** The unpacked files: shared, read-only. */
  readonly directory?: string;
  /** Its name in the store of the runtime that runs it. */
  readonly name?: string;
  /** The image has a shell or loader of its own: host tools are left out. */
  readonly userland: boolean;
};

/** An image that cannot be had; `reason` is shown in the container's status. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName';
  constructor(reason: ImageError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Where containers have their images from. */
export type Images = {
  /** The image behind a reference, ready to run. Throws {@link ImageError}. */
  get(reference: string, signal: AbortSignal, policy?: Container['imagePullPolicy']): Promise<LocalImage>;
  /** Remove what was not asked for since a time and is not among the digests in use. Absent where images are kept elsewhere. */
  sweep?(inUse: ReadonlySet<string>, beforeMs: number): Promise<void>;
};

/** Unpacks each image once, into `<directory>/<hex of the digest>`. */
export class ImageStore implements Images {
  readonly #directory: string;
  readonly #port: ImagePort;
  readonly #unpacking = new Map<string, Promise<string>>();

  constructor(directory: string, port: ImagePort) {
    this.#directory = directory;
    this.#port = port;
  }

  /** The image behind a reference, ready to run. Throws {@link ImageError}. */
  async get(reference: string, signal: AbortSignal): Promise<LocalImage> {
    const found = await this.#resolve(reference, signal);
    if (found === 'foreign') return { config: {}, userland: false };
    if (found === 'missing') {
      const message = `image ${JSON.stringify(reference)} is not in the registry; push it, or correct the reference`;
      throw new ImageError('ErrImagePull', message);
    }
    if ('standIn' in found) return { config: found.config, userland: false };
    const directory = await this.#unpacked(found, signal);
    return { digest: found.digest, config: found.config, directory, userland: hasUserland(directory) };
  }

  async sweep(inUse: ReadonlySet<string>, beforeMs: number): Promise<void> {
    for (const name of await readdir(this.#directory).catch((): string[] => [])) {
      const path = join(this.#directory, name);
      const usedAt = (await stat(path).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY;
      if (usedAt >= beforeMs || inUse.has(`sha256:${name}`) || this.#unpacking.has(name)) continue;
      // Under another name first: whoever asks for the image meanwhile unpacks it anew.
      await rename(path, `${path}.partial`);
      await rm(`${path}.partial`, { recursive: true, force: true });
    }
  }

  async #resolve(reference: string, signal: AbortSignal) {
    if (reference.trim() === '') throw new ImageError('InvalidImageName', 'the container names no image');
    try {
      return await this.#port.resolve(reference, signal);
    } catch (error) {
      throw new ImageError('ErrImagePull', `image ${JSON.stringify(reference)}: ${textOf(error)}`, { cause: error });
    }
  }

  #unpacked(image: ResolvedImage, signal: AbortSignal): Promise<string> {
    const hex = image.digest.replace(/^sha256:/, '');
    if (!/^[0-9a-f]{64}$/.test(hex)) throw new ImageError('ErrImagePull', `digest ${image.digest} is not sha256`);
    const directory = join(this.#directory, hex);
    const running = this.#unpacking.get(hex);
    if (running) return running;
    if (existsSync(directory)) return touched(directory);
    const work = this.#unpack(image, directory, signal).finally(() => this.#unpacking.delete(hex));
    this.#unpacking.set(hex, work);
    return work;
  }

  async #unpack(image: ResolvedImage, directory: string, signal: AbortSignal): Promise<string> {
    const partial = `${directory}.partial`;
    try {
      await rm(partial, { recursive: true, force: true });
      await mkdir(partial, { recursive: true });
      for (const layer of image.layers) {
        await unpackLayer(await this.#port.openLayer(image, layer, signal), layer, partial);
      }
      await rename(partial, directory);
      // The archive may have dated it long ago.
      return await touched(directory);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw new ImageError('ErrImagePull', `image ${image.digest}: ${textOf(error)}`, { cause: error });
    }
  }
}

/** Asked for just now. */
async function touched(directory: string): Promise<string> {
  const now = new Date();
  await utimes(directory, now, now);
  return directory;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const userlandSigns = ['bin/sh', 'usr/bin/sh', 'bin/busybox', 'lib64/ld-linux-x86-64.so.2', 'lib/ld-musl-x86_64.so.1'];

function hasUserland(directory: string): boolean {
  return userlandSigns.some((sign) => {
    try {
      return lstatSync(join(directory, sign)) !== undefined;
    } catch {
      return false;
    }
  });
}
