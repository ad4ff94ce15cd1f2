import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, type Header, pack, type Pack } from 'tar-stream';
import { ArtifactError, textOf } from '../artifact-error.ts';
import type { ArtifactLimits } from '../limits.ts';
import { UnpackBudget } from './budget.ts';
import { checkLink, checkParents, entryPath, refused } from './safe-path.ts';

type Content = AsyncIterable<Uint8Array> & { resume(): unknown };

/** Unpack a tar.gz below `directory`, which exists and is empty. Throws {@link ArtifactError} for anything but plain content. */
export async function unpackTarGz(file: string, directory: string, limits: ArtifactLimits): Promise<void> {
  const budget = new UnpackBudget(limits);
  const tar = extract();
  const entries = (async () => {
    for await (const entry of tar) await addEntry(directory, entry.header, entry as Content, budget);
  })();
  entries.catch(() => tar.destroy());
  try {
    const sink = tar as unknown as Writable;
    await pipeline(createReadStream(file), createGunzip(), sink);
  } catch (error) {
    // What an entry was refused for says more than that the stream then broke off.
    const first: unknown = await entries.catch((cause: unknown) => cause);
    if (first instanceof ArtifactError) throw first;
    throw refused(`it cannot be read: ${textOf(error)}`, { cause: error });
  }
  await entries;
}

async function addEntry(root: string, header: Header, content: Content, budget: UnpackBudget): Promise<void> {
  budget.addEntry();
  const path = entryPath(header.name);
  if (path === '.') return void content.resume();
  await checkParents(root, path);
  const target = join(root, path);
  await mkdir(dirname(target), { recursive: true });
  const mode = (header.mode ?? 0o644) & 0o777;
  switch (header.type) {
    case 'directory':
      await mkdir(target, { recursive: true, mode: mode | 0o700 });
      break;
    case 'symlink':
      checkLink(path, header.linkname ?? '');
      await rm(target, { force: true });
      await symlink(header.linkname ?? '', target);
      break;
    case 'link': {
      const from = entryPath(header.linkname ?? '');
      await checkParents(root, from);
      await rm(target, { force: true });
      await link(join(root, from), target).catch(() => copyFile(join(root, from), target, constants.COPYFILE_EXCL));
      break;
    }
    case 'file':
    case 'contiguous-file':
      await writeEntry(target, mode | 0o400, content, budget);
      return;
    case 'block-device':
    case 'character-device':
    case 'fifo':
    default:
      throw refused(`entry ${JSON.stringify(path.slice(0, 200))} is a ${String(header.type)}`);
  }
  content.resume();
}

/** Write a new file; one that an earlier entry left is replaced, not written through. */
export async function writeEntry(
  target: string,
  mode: number,
  content: AsyncIterable<Uint8Array>,
  budget: UnpackBudget,
): Promise<void> {
  await rm(target, { force: true });
  await pipeline(Readable.from(budget.counted(content)), createWriteStream(target, { flags: 'wx', mode }));
}

/** Pack a file or directory as tar.gz into `file`; its own name is the only entry at the top. Links stay links. */
export async function packTarGz(source: string, name: string, file: string, level: number): Promise<void> {
  const tar = pack();
  const filling = fill(tar, source, name).then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  const stream = Readable.from(tar as unknown as AsyncIterable<Uint8Array>);
  await pipeline(stream, createGzip({ level }), createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  await filling;
}

async function fill(tar: Pack, source: string, name: string): Promise<void> {
  const stat = await lstat(source);
  const common = { name, mode: stat.mode & 0o777, mtime: stat.mtime };
  if (stat.isDirectory()) {
    await addHeader(tar, { ...common, name: `${name}/`, type: 'directory' });
    for (const child of (await readdir(source)).toSorted()) await fill(tar, join(source, child), `${name}/${child}`);
  } else if (stat.isSymbolicLink()) {
    await addHeader(tar, { ...common, type: 'symlink', linkname: await readlink(source) });
  } else if (stat.isFile()) {
    await addFile(tar, source, { ...common, type: 'file' });
  }
  // Sockets, pipes and devices hold nothing that could be kept.
}

type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

function addHeader(tar: Pack, header: EntryHeader): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}

async function addFile(tar: Pack, source: string, header: EntryHeader): Promise<void> {
  // The name may have been replaced by a link since it was looked at: that one is not followed.
  const handle = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await handle.stat();
    const done = Promise.withResolvers<void>();
    const entry = tar.entry({ ...header, size }, (error) => (error ? done.reject(error) : done.resolve()));
    if (size > 0) {
      const bytes = handle.createReadStream({ start: 0, end: size - 1, autoClose: false });
      await pipeline(bytes, entry as unknown as Writable);
    } else (entry as unknown as Writable).end();
    await done.promise;
  } finally {
    await handle.close();
  }
}
