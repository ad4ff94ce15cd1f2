import { constants, createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { type Entry, open, type ZipFile } from 'yauzl';
import { ZipFile as ZipWriter } from 'yazl';
import { ArtifactError, textOf } from '../artifact-error.ts';
import type { ArtifactLimits } from '../limits.ts';
import { UnpackBudget } from './budget.ts';
import { checkParents, entryPath, refused } from './safe-path.ts';
import { writeEntry } from './tar.ts';

const openZip = promisify<string, { lazyEntries: boolean; autoClose: boolean; decodeStrings: boolean }, ZipFile>(open);

/** Unpack a zip below `directory`, which exists and is empty. Throws {@link ArtifactError} for anything but files and directories. */
export async function unpackZip(file: string, directory: string, limits: ArtifactLimits): Promise<void> {
  const budget = new UnpackBudget(limits);
  let zip: ZipFile | undefined;
  try {
    zip = await openZip(file, { lazyEntries: true, autoClose: false, decodeStrings: true });
    for await (const entry of entriesOf(zip)) await addEntry(zip, entry, directory, budget);
  } catch (error) {
    if (error instanceof ArtifactError) throw error;
    throw refused(`it cannot be read: ${textOf(error)}`, { cause: error });
  } finally {
    zip?.close();
  }
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const entry = await new Promise<Entry | undefined>((resolve, reject) => {
      const settle = (value: Entry | undefined, error?: Error): void => {
        zip.removeAllListeners();
        if (error) reject(error);
        else resolve(value);
      };
      zip.once('error', (error: Error) => settle(undefined, error));
      zip.once('end', () => settle(undefined));
      zip.once('entry', (found: Entry) => settle(found));
      zip.readEntry();
    });
    if (!entry) return;
    yield entry;
  }
}

const linkType = 0o120_000;
const typeMask = 0o170_000;

async function addEntry(zip: ZipFile, entry: Entry, root: string, budget: UnpackBudget): Promise<void> {
  budget.addEntry();
  const path = entryPath(entry.fileName);
  const unixMode = entry.externalFileAttributes >>> 16;
  if ((unixMode & typeMask) === linkType)
    throw refused(`entry ${JSON.stringify(path.slice(0, 200))} is a link; use the archive strategy tar for links`);
  if (path === '.') return;
  await checkParents(root, path);
  const target = join(root, path);
  if (entry.fileName.endsWith('/')) return void (await mkdir(target, { recursive: true }));
  await mkdir(dirname(target), { recursive: true });
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const mode = (unixMode & 0o777) === 0 ? 0o644 : unixMode & 0o777;
  await writeEntry(target, mode | 0o400, stream as unknown as AsyncIterable<Uint8Array>, budget);
}

/** Pack a file or directory as zip into `file`; its own name is the only entry at the top. Links are refused. */
export async function packZip(source: string, name: string, file: string, level: number): Promise<void> {
  const zip = new ZipWriter();
  const writing = pipeline(zip.outputStream, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  try {
    await fill(zip, source, name, level);
    zip.end();
  } catch (error) {
    (zip.outputStream as unknown as { destroy(error: unknown): void }).destroy(error);
    await writing.catch(() => undefined);
    throw error;
  }
  await writing;
}

async function fill(zip: ZipWriter, source: string, name: string, level: number): Promise<void> {
  const stat = await lstat(source);
  if (stat.isSymbolicLink())
    throw new ArtifactError('refused', `${name} is a link, which a zip cannot hold; use the archive strategy tar`);
  if (stat.isDirectory()) {
    zip.addEmptyDirectory(name);
    for (const child of (await readdir(source)).toSorted())
      await fill(zip, join(source, child), `${name}/${child}`, level);
  } else if (stat.isFile()) {
    const options = { mode: stat.mode & 0o777, mtime: stat.mtime, compress: level !== 0 };
    // The name may have been replaced by a link since it was looked at: that one is not followed.
    const flags = (constants.O_RDONLY | constants.O_NOFOLLOW) as unknown as string;
    zip.addReadStreamLazy(name, options, (done) => done(null, createReadStream(source, { flags })));
  }
}
