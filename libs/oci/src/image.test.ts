import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assembleImage, pullBase, pushImage, type AssembledImage, type AssembleOptions } from './image.ts';
import { createOciClient } from './oci-client.ts';
import { startFakeRegistry } from './testing.ts';
import { unpackTarGz } from './unpack.ts';

let scratch: string;
let context: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'oci-image-'));
  context = join(scratch, 'context');
  await mkdir(join(context, 'lib', 'deep'), { recursive: true });
  await mkdir(join(context, '.git'));
  for (const path of ['server.mjs', 'package.json', 'lib/a.js', 'lib/deep/b.js', 'lib/b.test.js', '.git/config']) {
    await writeFile(join(context, path), path);
  }
  await chmod(join(context, 'server.mjs'), 0o700);
});

afterEach(() => rm(scratch, { recursive: true }));

const assemble = (options: Partial<AssembleOptions> = {}): Promise<AssembledImage> =>
  assembleImage({ context, workdir: '/app', created: '2026-01-02T03:04:05Z', scratchDirectory: scratch, ...options });

const listing = (): string[] =>
  execFileSync('tar', ['-tzvf', join(scratch, 'layer.tar.gz')], { encoding: 'utf8' })
    .trim()
    .split('\n');
const names = (): string[] => listing().map((line) => line.split(/\s+/)[5] ?? '');

test('the same files give the same digest, whatever their times and owners', async () => {
  const first = await assemble();
  await utimes(join(context, 'server.mjs'), 1, 1);
  const second = await assemble();
  expect(second.digest).toBe(first.digest);
  await writeFile(join(context, 'server.mjs'), 'changed');
  expect((await assemble()).digest).not.toBe(first.digest);
});

test('a directory means all in it, globs match paths, excluded and .git stay out, entries belong to root', async () => {
  await assemble({ include: ['lib', '*.json'], exclude: ['**/*.test.js'] });
  expect(names()).toEqual([
    'app/',
    'app/lib/',
    'app/lib/a.js',
    'app/lib/deep/',
    'app/lib/deep/b.js',
    'app/package.json',
  ]);
  expect(listing().every((line) => /^[-d]rw[x-]r-[x-]r-[x-] 0\/0 /.test(line))).toBe(true);
});

test('an executable stays executable', async () => {
  await assemble({ include: ['server.mjs'] });
  expect(listing().at(-1)).toMatch(/^-rwxr-xr-x 0\/0/);
});

test('an include that matches nothing is refused by name', async () => {
  await expect(assemble({ include: ['server.mjs', 'dist/**'] })).rejects.toThrow('matches "dist/**"');
});

test('a link that leaves the context is refused, one inside is kept', async () => {
  await symlink('lib/a.js', join(context, 'good'));
  await assemble({ include: ['good'] });
  expect(listing().at(-1)).toContain('app/good -> lib/a.js');
  await symlink('../../etc/passwd', join(context, 'bad'));
  await expect(assemble({ include: ['bad'] })).rejects.toThrow('outside the directory');
});

test('the config says how to run it, and a base lies under it', async () => {
  const registry = await startFakeRegistry();
  try {
    const client = createOciClient({ timeoutMs: 5_000 });
    const base = await assemble({
      include: ['lib'],
      workdir: '/lib',
      env: { A: '1', B: '2' },
      labels: { from: 'base' },
    });
    await pushImage(client, `${registry.host}/base:1`, base);
    const pulled = await pullBase(client, `${registry.host}/base:1`);
    const image = await assemble({
      include: ['server.mjs'],
      base: pulled,
      command: ['node', 'server.mjs'],
      env: { B: '3' },
      ports: [80],
    });
    const { digest, uploaded } = await pushImage(client, `${registry.host}/app:1`, image);
    expect([digest, uploaded]).toEqual([image.digest, 2]);
    const { manifest } = await client.resolve(`${registry.host}/app:1`);
    expect(manifest.layers).toHaveLength(2);
    const config = JSON.parse(String(registry.blobs.get(manifest.config.digest)));
    expect(config).toMatchObject({
      created: '2026-01-02T03:04:05Z',
      os: 'linux',
      config: {
        Env: ['A=1', 'B=3'],
        Cmd: ['node', 'server.mjs'],
        WorkingDir: '/app',
        Labels: { from: 'base' },
        ExposedPorts: { '80/tcp': {} },
      },
    });
    expect(config.rootfs.diff_ids).toHaveLength(2);
  } finally {
    await registry.close();
  }
});

async function archive(fill: (tar: ReturnType<typeof pack>) => void): Promise<string> {
  const tar = pack();
  fill(tar);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const path = join(scratch, 'archive.tgz');
  await writeFile(path, gzipSync(Buffer.concat(chunks)));
  return path;
}

const limits = { maxBytes: 10_000, maxEntries: 5 };

test('an archive is unpacked below its directory', async () => {
  const path = await archive((tar) => tar.entry({ name: 'hello/templates/a.yaml' }, 'a'));
  const target = await mkdtemp(join(scratch, 'out-'));
  await unpackTarGz(path, target, limits);
  expect(await readFile(join(target, 'hello/templates/a.yaml'), 'utf8')).toBe('a');
});

test.for<[string, (tar: ReturnType<typeof pack>) => void, string]>([
  ['a path with ..', (tar) => tar.entry({ name: 'a/../../x' }, 'x'), 'would leave'],
  ['an absolute path', (tar) => tar.entry({ name: '/etc/x' }, 'x'), 'would leave'],
  ['a link', (tar) => tar.entry({ name: 'x', type: 'symlink', linkname: '/etc' }), 'is a symlink'],
  ['a device', (tar) => tar.entry({ name: 'x', type: 'block-device' }), 'is a block-device'],
  ['too many bytes', (tar) => tar.entry({ name: 'x' }, Buffer.alloc(10_001)), 'more than 10000 bytes'],
  [
    'too many entries',
    (tar) => {
      for (const name of 'abcdef') tar.entry({ name }, '');
    },
    'more than 5 entries',
  ],
])('an archive with %s is refused', async ([, fill, why]) => {
  const target = await mkdtemp(join(scratch, 'out-'));
  await expect(unpackTarGz(await archive(fill), target, limits)).rejects.toThrow(why);
});

test('a file that is no archive is refused', async () => {
  const path = join(scratch, 'x.tgz');
  await writeFile(path, 'plain');
  await expect(unpackTarGz(path, scratch, limits)).rejects.toThrow('cannot be read');
});
