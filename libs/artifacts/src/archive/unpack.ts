import type { ArchiveKind } from '@sluice/model';
import { createReadStream } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { ArtifactLimits } from '../limits.ts';
import { unpackTarGz } from './tar.ts';
import { unpackZip } from './zip.ts';

/**
 * Turn what was fetched into the artifact: unpack an archive, and where it holds one thing at its top, that thing is the
 * artifact. Without `kind` the first bytes tell. Gives the path of the artifact, in the same directory as `fetched`.
 */
export async function unpackArtifact(
  fetched: string,
  kind: ArchiveKind | undefined,
  limits: ArtifactLimits,
): Promise<string> {
  const found = kind ?? (await kindOf(fetched));
  if (found === 'none') return fetched;
  const directory = `${fetched}.unpacked`;
  await mkdir(directory, { mode: 0o755 });
  await (found === 'tar' ? unpackTarGz : unpackZip)(fetched, directory, limits);
  await rm(fetched, { force: true });
  const names = await readdir(directory);
  const [only] = names;
  if (names.length !== 1 || only === undefined) return directory;
  await rename(join(directory, only), fetched);
  await rm(directory, { recursive: true });
  return fetched;
}

/** A gzip file is taken for a tar.gz only if a tar is inside: 257 bytes in, it says so. */
async function kindOf(path: string): Promise<ArchiveKind> {
  const stat = await lstat(path);
  if (!stat.isFile() || stat.size < 22) return 'none';
  const handle = await open(path, 'r');
  try {
    const start = Buffer.alloc(4);
    await handle.read(start, 0, 4, 0);
    if (start.readUInt32BE(0) === 0x504b0304) return 'zip';
    if (start.readUInt16BE(0) !== 0x1f8b) return 'none';
  } finally {
    await handle.close();
  }
  return (await holdsTar(path)) ? 'tar' : 'none';
}

async function holdsTar(path: string): Promise<boolean> {
  const gunzip = createReadStream(path, { end: 65_535 }).pipe(createGunzip());
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= 512) break;
    }
  } catch {
    // Cut off, or no gzip at all: what came tells.
  }
  return Buffer.concat(chunks).subarray(257, 262).toString('latin1') === 'ustar';
}

/** Give a file or directory its mode; with `recurse` everything inside too. Links are left alone. */
export async function applyMode(path: string, mode: number, recurse: boolean): Promise<void> {
  const stat = await lstat(path);
  if (stat.isSymbolicLink()) return;
  if (recurse && stat.isDirectory())
    for (const name of await readdir(path)) await applyMode(join(path, name), mode, true);
  await chmod(path, mode & 0o777);
}
