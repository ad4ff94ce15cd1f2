import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchiveKind } from '@sluice/model';
import { expect, test } from 'vitest';
import { makeWorkbench } from './testing/workbench.ts';

const at = (key: string) => ({ plugin: { name: 'local', key } });

function makeTree(root: string): void {
  mkdirSync(join(root, 'sub'), { recursive: true });
  writeFileSync(join(root, 'a.txt'), 'a');
  writeFileSync(join(root, 'sub/b.sh'), 'b', { mode: 0o755 });
}

test.for<ArchiveKind>(['tar', 'zip', 'none'])(
  'a directory comes back as it was with the archive strategy %s',
  async (archive) => {
    const { mover, context, path } = makeWorkbench();
    makeTree(path('out'));
    await mover.keep({ name: 'out', archive, location: at('wf/pod/out') }, path('out'), context);
    const input = { name: 'in', path: '/in', location: at('wf/pod/out') };
    expect(await mover.fetch(input, path('in'), context)).toBe('done');
    expect(readFileSync(path('in/a.txt'), 'utf8')).toBe('a');
    expect(readFileSync(path('in/sub/b.sh'), 'utf8')).toBe('b');
    expect(lstatSync(path('in/sub/b.sh')).mode & 0o777).toBe(0o755);
    expect(readdirSync(path('scratch'))).toEqual([]);
  },
);

test('an empty file and an empty directory survive a tar', async () => {
  const { mover, context, path } = makeWorkbench();
  mkdirSync(path('out/empty'), { recursive: true });
  writeFileSync(path('out/nothing'), '');
  await mover.keep({ name: 'out', archive: 'tar', location: at('k') }, path('out'), context);
  await mover.fetch({ name: 'in', path: '/in', location: at('k') }, path('in'), context);
  expect(readdirSync(path('in')).toSorted()).toEqual(['empty', 'nothing']);
});

test('links stay links in a tar, and are refused by the strategies that cannot hold them', async () => {
  const { mover, context, path } = makeWorkbench();
  makeTree(path('out'));
  symlinkSync('a.txt', path('out/link'));
  await mover.keep({ name: 'out', archive: 'tar', location: at('k') }, path('out'), context);
  await mover.fetch({ name: 'in', path: '/in', location: at('k') }, path('in'), context);
  expect(readlinkSync(path('in/link'))).toBe('a.txt');
  for (const archive of ['zip', 'none'] as const) {
    const kept = mover.keep({ name: 'out', archive, location: at('k2') }, path('out'), context);
    await expect(kept).rejects.toThrow(
      /artifact "out": .*link.*use the archive strategy tar|only the archive strategy tar/,
    );
  }
});

test('a link as the artifact itself is not followed to a file of this machine', async () => {
  const { mover, context, path } = makeWorkbench();
  symlinkSync('/etc/passwd', path('out'));
  const kept = mover.keep({ name: 'out', archive: 'none', location: at('k') }, path('out'), context);
  await expect(kept).rejects.toThrow('it is a link');
});

test('a missing artifact is an error that names it, unless it is optional', async () => {
  const { mover, context, path } = makeWorkbench();
  const input = { name: 'in', path: '/in', location: at('none') };
  await expect(mover.fetch(input, path('in'), context)).rejects.toThrow(
    'artifact "in": there is no artifact with the key "none"',
  );
  expect(await mover.fetch({ ...input, optional: true }, path('in'), context)).toBe('missing');
});

test.for([
  ['../../etc', 'holds ".."'],
  ['a/../../b', 'holds ".."'],
  ['{{inputs.x}}', 'was not replaced'],
  ['/', 'is empty'],
  ['x'.repeat(2_000), 'more than 1024'],
])('the key %s is refused', async ([key, why]) => {
  const { mover, context, path } = makeWorkbench();
  writeFileSync(path('out'), 'x');
  const kept = mover.keep({ name: 'out', archive: 'none', location: at(key ?? '') }, path('out'), context);
  await expect(kept).rejects.toThrow(why);
});

test('namespaces do not see each other’s artifacts', async () => {
  const { mover, context, path } = makeWorkbench();
  writeFileSync(path('out'), 'x');
  await mover.keep({ name: 'out', archive: 'none', location: at('k') }, path('out'), context);
  const other = { ...context, namespace: 'other' };
  await expect(mover.fetch({ name: 'in', path: '/in', location: at('k') }, path('in'), other)).rejects.toThrow(
    'no artifact',
  );
});

test('a raw artifact is its text, with its mode', async () => {
  const { mover, context, path } = makeWorkbench();
  await mover.fetch(
    { name: 'in', path: '/in', location: { raw: { data: 'text\n' } }, mode: 0o755 },
    path('in'),
    context,
  );
  expect(readFileSync(path('in'), 'utf8')).toBe('text\n');
  expect(lstatSync(path('in')).mode & 0o777).toBe(0o755);
});

test('recurseMode gives everything inside the mode', async () => {
  const { mover, context, path } = makeWorkbench();
  makeTree(path('out'));
  await mover.keep({ name: 'out', archive: 'tar', location: at('k') }, path('out'), context);
  const input = { name: 'in', path: '/in', location: at('k'), mode: 0o700, recurseMode: true };
  await mover.fetch(input, path('in'), context);
  expect(lstatSync(path('in/sub/b.sh')).mode & 0o777).toBe(0o700);
});

test('keys are listed below a prefix and gone after they were removed', async () => {
  const { mover, context, path } = makeWorkbench();
  makeTree(path('out'));
  await mover.keep({ name: 'out', archive: 'none', location: at('wf/x') }, path('out'), context);
  expect(await mover.list(at('wf'), context)).toEqual(['wf/x/a.txt', 'wf/x/sub/b.sh']);
  await mover.remove(at('wf/x'), context);
  await mover.remove(at('wf/x'), context);
  expect(await mover.list(at('wf'), context)).toEqual([]);
});

test('locations without a driver here are refused by name', async () => {
  const { mover, context, path } = makeWorkbench();
  const fetch = (location: object) =>
    mover.fetch({ name: 'in', path: '/in', location: location as never }, path('in'), context);
  await expect(fetch({ gcs: { bucket: 'b' } })).rejects.toThrow('no driver for artifacts of kind gcs');
  await expect(fetch({ plugin: { name: 'other', key: 'k' } })).rejects.toThrow('no artifact plugin other');
  await expect(fetch({})).rejects.toThrow('no location');
});
