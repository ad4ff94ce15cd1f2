import { createHash } from 'node:crypto';
import { pack } from 'tar-stream';
import type { ImageConfig, ImageLayer, ImagePort, ImageResolution, ResolvedImage } from '../image/image-port.ts';

/** One entry of a layer made for a test. */
export type FakeEntry = {
  readonly name: string;
  readonly text?: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'character-device' | 'fifo';
  readonly linkname?: string;
  readonly mode?: number;
};

/** An image store in memory. References that begin with `registry/` are its own, all others are foreign. */
export class FakeImages implements ImagePort {
  readonly #images = new Map<string, ResolvedImage>();
  readonly #layers = new Map<string, Uint8Array>();
  /** How often a layer was read. */
  opened = 0;

  /** Store an image; each list of entries is a layer. */
  async add(reference: string, config: ImageConfig, layers: readonly (readonly FakeEntry[])[]): Promise<ResolvedImage> {
    const stored: ImageLayer[] = [];
    for (const entries of layers) {
      const bytes = await tarOf(entries);
      const digest = digestOf(bytes);
      this.#layers.set(digest, bytes);
      stored.push({ digest, mediaType: 'application/vnd.oci.image.layer.v1.tar' });
    }
    const digest = digestOf(Buffer.from(JSON.stringify([config, stored])));
    const image = { digest, config, layers: stored };
    this.#images.set(reference, image);
    return image;
  }

  resolve(reference: string): Promise<ImageResolution> {
    if (!reference.startsWith('registry/')) return Promise.resolve('foreign');
    return Promise.resolve(this.#images.get(reference) ?? 'missing');
  }

  async openLayer(_image: ResolvedImage, layer: ImageLayer): Promise<AsyncIterable<Uint8Array>> {
    this.opened++;
    const bytes = this.#layers.get(layer.digest);
    if (!bytes) throw new Error(`no layer ${layer.digest}`);
    return Promise.resolve(chunks(bytes));
  }
}

/** `sha256:<hex>` of bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A tar archive of these entries. */
export async function tarOf(entries: readonly FakeEntry[]): Promise<Uint8Array> {
  const archive = pack();
  for (const { name, text = '', type = 'file', linkname, mode = 0o644 } of entries) {
    archive.entry({ name, type, mode, ...(linkname ? { linkname } : {}) }, type === 'file' ? text : '');
  }
  archive.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of archive) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1_000) yield await Promise.resolve(bytes.subarray(at, at + 1_000));
}
