import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { expect, onTestFinished, test } from 'vitest';
import { ZipFile } from 'yazl';
import { defaultLimits } from '../limits.ts';
import { unpackArtifact } from './unpack.ts';

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-archives-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

type Entry = {
  readonly name: string;
  readonly type?: 'file' | 'symlink' | 'link' | 'fifo' | 'directory';
  readonly linkname?: string;
  readonly text?: string;
};

async function makeTar(entries: readonly Entry[]): Promise<string> {
  const tar = pack();
  for (const { name, type = 'file', linkname, text = '' } of entries)
    tar.entry({ name, type, ...(linkname ? { linkname } : {}) }, type === 'file' ? text : '');
  tar.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of tar as unknown as AsyncIterable<Uint8Array>) parts.push(part);
  const file = join(makeDirectory(), 'fetched');
  writeFileSync(file, gzipSync(Buffer.concat(parts)));
  return file;
}

test.for<{ name: string; entries: readonly Entry[]; why: string }>([
  { name: 'a name with ..', entries: [{ name: '../evil' }], why: 'leave the directory' },
  { name: 'an absolute name', entries: [{ name: '/etc/evil' }], why: 'absolute path' },
  {
    name: 'a link to an absolute place',
    entries: [{ name: 'l', type: 'symlink', linkname: '/etc' }],
    why: 'link out of',
  },
  {
    name: 'a link that climbs out',
    entries: [{ name: 'd/l', type: 'symlink', linkname: '../../x' }],
    why: 'link out of',
  },
  {
    name: 'a file below a link',
    entries: [{ name: 'd', type: 'symlink', linkname: 'e' }, { name: 'd/x' }],
    why: 'below something that is no directory',
  },
  {
    name: 'a hard link out',
    entries: [{ name: 'l', type: 'link', linkname: '../../etc/passwd' }],
    why: 'leave the directory',
  },
  { name: 'a pipe', entries: [{ name: 'p', type: 'fifo' }], why: 'is a fifo' },
])('a tar with $name is refused', async ({ entries, why }) => {
  const file = await makeTar(entries);
  await expect(unpackArtifact(file, 'tar', defaultLimits)).rejects.toThrow(why);
});

test('a link inside the archive and a hard link to an earlier file are unpacked', async () => {
  const file = await makeTar([
    { name: 'd/a', text: '1' },
    { name: 'd/hard', type: 'link', linkname: 'd/a' },
    { name: 'd/soft', type: 'symlink', linkname: 'a' },
  ]);
  const path = await unpackArtifact(file, undefined, defaultLimits);
  expect(readFileSync(join(path, 'hard'), 'utf8')).toBe('1');
  expect(readFileSync(join(path, 'soft'), 'utf8')).toBe('1');
});

test('a second entry of the same name replaces a link instead of writing through it', async () => {
  const file = await makeTar([
    { name: 'd/target', text: 'old' },
    { name: 'd/x', type: 'symlink', linkname: 'target' },
    { name: 'd/x', text: 'new' },
  ]);
  const path = await unpackArtifact(file, 'tar', defaultLimits);
  expect(readFileSync(join(path, 'target'), 'utf8')).toBe('old');
});

test('an archive that unpacks to more than the limits is stopped', async () => {
  const big = await makeTar([{ name: 'big', text: 'x'.repeat(5_000) }]);
  await expect(unpackArtifact(big, 'tar', { maxBytes: 1_000, maxEntries: 10 })).rejects.toThrow('more than 1000 bytes');
  const many = await makeTar(Array.from({ length: 20 }, (_, i) => ({ name: `f${i}` })));
  await expect(unpackArtifact(many, 'tar', { maxBytes: 1_000, maxEntries: 10 })).rejects.toThrow(
    'more than 10 entries',
  );
});

test('an archive that is cut off or is none is refused', async () => {
  const file = join(makeDirectory(), 'fetched');
  writeFileSync(file, gzipSync(Buffer.alloc(4_096, 1)).subarray(0, 20));
  await expect(unpackArtifact(file, 'tar', defaultLimits)).rejects.toThrow('cannot be read');
  const text = join(makeDirectory(), 'fetched');
  writeFileSync(text, 'no archive at all, only text');
  await expect(unpackArtifact(text, 'zip', defaultLimits)).rejects.toThrow('cannot be read');
});

test('without a strategy the content tells: text and a gzip without a tar stay as they are', async () => {
  for (const content of [Buffer.from('plain text, long enough to look at'), gzipSync('only text')]) {
    const file = join(makeDirectory(), 'fetched');
    writeFileSync(file, content);
    expect(readFileSync(await unpackArtifact(file, undefined, defaultLimits))).toEqual(content);
  }
});

async function makeZip(fill: (zip: ZipFile) => void): Promise<string> {
  const zip = new ZipFile();
  fill(zip);
  zip.end();
  const file = join(makeDirectory(), 'fetched');
  await pipeline(zip.outputStream, createWriteStream(file));
  return file;
}

test('a zip with a link is refused, one with several files becomes a directory', async () => {
  const linked = await makeZip((zip) => zip.addBuffer(Buffer.from('/etc'), 'l', { mode: 0o120_777 }));
  await expect(unpackArtifact(linked, undefined, defaultLimits)).rejects.toThrow('is a link');
  const two = await makeZip((zip) => {
    zip.addBuffer(Buffer.from('1'), 'a');
    zip.addBuffer(Buffer.from('2'), 'd/b');
  });
  const path = await unpackArtifact(two, undefined, defaultLimits);
  expect(readFileSync(join(path, 'd/b'), 'utf8')).toBe('2');
});

test('a zip whose name climbs out touches nothing outside', async () => {
  const file = await makeZip((zip) => zip.addBuffer(Buffer.from('1'), 'aa/evil'));
  const bytes = readFileSync(file);
  // The writer refuses such names, so they are put in afterwards; both are seven bytes.
  writeFileSync(file, Buffer.from(bytes.toString('latin1').replaceAll('aa/evil', '../evil'), 'latin1'));
  mkdirSync(join(file, '..', 'x'), { recursive: true });
  await expect(unpackArtifact(file, 'zip', defaultLimits)).rejects.toThrow('the archive is not unpacked');
  expect(existsSync(join(file, '..', 'evil'))).toBe(false);
});
