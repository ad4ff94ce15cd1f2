import { existsSync, lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { digestOf, type FakeEntry, tarOf } from '../testing/fake-images.ts';
import { LayerError, unpackLayer } from './unpack-layer.ts';

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function unpack(root: string, entries: readonly FakeEntry[], limits?: { maxBytes: number; maxEntries: number }) {
  const bytes = await tarOf(entries);
  await unpackLayer(
    stream(bytes),
    { digest: digestOf(bytes), mediaType: 'application/vnd.oci.image.layer.v1.tar' },
    root,
    limits,
  );
}

const newRoot = (): string => temporaryDirectory();

test('files, directories and links are laid out, files read-only and without setuid', async () => {
  const root = newRoot();
  await unpack(root, [
    { name: './bin/', type: 'directory', mode: 0o755 },
    { name: './bin/tool', text: 'x', mode: 0o4755 },
    { name: 'bin/hard', type: 'link', linkname: 'bin/tool' },
    { name: 'abs', type: 'symlink', linkname: '/bin/tool' },
    { name: 'deep/er/file', text: 'y' },
  ]);
  expect(statSync(join(root, 'bin/tool')).mode & 0o7777).toBe(0o555);
  expect(readFileSync(join(root, 'bin/hard'), 'utf8')).toBe('x');
  expect(readFileSync(join(root, 'deep/er/file'), 'utf8')).toBe('y');
  expect(lstatSync(join(root, 'abs')).isSymbolicLink()).toBe(true);
});

test('whiteouts remove what lower layers had, and only that', async () => {
  const root = newRoot();
  await unpack(root, [
    { name: 'a/x', text: '1' },
    { name: 'a/y', text: '1' },
    { name: 'b/z', text: '1' },
  ]);
  await unpack(root, [{ name: 'a/.wh.x' }, { name: 'b/new', text: '2' }, { name: 'b/.wh..wh..opq' }]);
  expect(readdirSync(join(root, 'a'))).toEqual(['y']);
  expect(readdirSync(join(root, 'b'))).toEqual(['new']);
});

test('a link on the way is followed inside the root only', async () => {
  const root = newRoot();
  const outside = newRoot();
  await unpack(root, [
    { name: 'usr/lib/', type: 'directory', mode: 0o755 },
    { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
    { name: 'out', type: 'symlink', linkname: outside },
  ]);
  await unpack(root, [
    { name: 'lib/f', text: 'x' },
    { name: 'out/f', text: 'x' },
  ]);
  expect(existsSync(join(root, 'usr/lib/f'))).toBe(true);
  expect(readdirSync(outside)).toEqual([]);
  expect(existsSync(join(root, outside, 'f'))).toBe(true);
});

const bad: { name: string; entry: FakeEntry }[] = [
  { name: 'a name with ..', entry: { name: 'a/../../x', text: '1' } },
  { name: 'an absolute name', entry: { name: '/etc/x', text: '1' } },
  { name: 'a relative link out of the root', entry: { name: 'a/l', type: 'symlink', linkname: '../../etc' } },
  { name: 'a hard link out of the root', entry: { name: 'l', type: 'link', linkname: '../etc/passwd' } },
  { name: 'a device', entry: { name: 'dev/null', type: 'character-device' } },
  { name: 'a fifo', entry: { name: 'pipe', type: 'fifo' } },
];
test.for(bad)('$name is refused', async ({ entry }) => {
  await expect(unpack(newRoot(), [entry])).rejects.toThrow(LayerError);
});

test('bombs are refused', async () => {
  const many = Array.from({ length: 20 }, (_, i) => ({ name: `f${i}`, text: 'x'.repeat(100) }));
  await expect(unpack(newRoot(), many, { maxBytes: 1_000, maxEntries: 100 })).rejects.toThrow(/more than 1000 bytes/);
  await expect(unpack(newRoot(), many, { maxBytes: 10_000, maxEntries: 10 })).rejects.toThrow(/more than 10 entries/);
});

test('compressed layers are read, damaged ones refused', async () => {
  const tar = await tarOf([{ name: 'f', text: 'x' }]);
  for (const [mediaType, bytes] of [
    ['application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar)],
    ['application/vnd.oci.image.layer.v1.tar+zstd', zstdCompressSync(tar)],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', gzipSync(tar)],
  ] as const) {
    const root = newRoot();
    await unpackLayer(stream(bytes), { digest: digestOf(bytes), mediaType }, root);
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('x');
    const wrong = { digest: digestOf(tar), mediaType };
    await expect(unpackLayer(stream(bytes), wrong, newRoot())).rejects.toThrow(/damaged/);
    const torn = bytes.subarray(0, bytes.length - 8);
    await expect(unpackLayer(stream(torn), { digest: digestOf(torn), mediaType }, newRoot())).rejects.toThrow(
      LayerError,
    );
  }
});
