import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';

export type UnpackLimits = {
  /** Bytes of all files together. */
  readonly maxBytes: number;
  readonly maxEntries: number;
};

/** An archive that must not be unpacked: hostile paths, too large, or not a tar.gz at all. */
export class BadArchive extends Error {
  override readonly name = 'BadArchive';
}

/**
 * Unpack a tar.gz of plain files and directories below an existing directory. Absolute paths, `..`, links and devices are
 * refused, as is anything beyond the limits; nothing outside the directory is touched.
 */
export async function unpackTarGz(file: string, directory: string, limits: UnpackLimits): Promise<void> {
  const gunzip = createGunzip();
  const entries = extract();
  let bytes = 0;
  let count = 0;
  const reading = pipeline(createReadStream(file), gunzip, limited(limits.maxBytes), entries);
  reading.catch(() => undefined);
  try {
    for await (const entry of entries) {
      const { header } = entry;
      if (++count > limits.maxEntries) throw new BadArchive(`the archive has more than ${limits.maxEntries} entries`);
      bytes += header.size ?? 0;
      if (bytes > limits.maxBytes) throw tooLarge(limits.maxBytes);
      const target = join(directory, safePath(header));
      if (header.type === 'directory') {
        await mkdir(target, { recursive: true });
        entry.resume();
      } else {
        await mkdir(dirname(target), { recursive: true });
        await pipeline(entry, createWriteStream(target, { flags: 'w', mode: 0o644 }));
      }
    }
    await reading;
  } catch (error) {
    gunzip.destroy();
    if (error instanceof BadArchive) throw error;
    throw new BadArchive(`the archive cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Padding and headers count too: a bomb of empty entries is cut off as well. */
function limited(maxBytes: number): PassThrough {
  let length = 0;
  const through = new PassThrough();
  through.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBytes * 2 + 1_048_576) through.destroy(tooLarge(maxBytes));
  });
  return through;
}

function tooLarge(maxBytes: number): BadArchive {
  return new BadArchive(`the archive unpacks to more than ${maxBytes} bytes`);
}

function safePath({ name, type }: Header): string {
  const shown = JSON.stringify(name.slice(0, 200));
  if (type !== 'file' && type !== 'directory' && type !== 'contiguous-file') {
    throw new BadArchive(`entry ${shown} is a ${type ?? 'thing'}; only files and directories are allowed`);
  }
  const path = posix.normalize(name);
  if (name.includes('\0') || name.includes('\\') || posix.isAbsolute(path) || path === '..' || path.startsWith('../')) {
    throw new BadArchive(`entry ${shown} would leave the directory`);
  }
  return path;
}
