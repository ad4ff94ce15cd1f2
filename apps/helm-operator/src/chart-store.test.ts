import { mkdir, mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeChart } from '@sluice/helm/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChartStore } from './chart-store.ts';

const run = promisify(execFile);
const [digest, manifest] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
let directory: string;
let store: ChartStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chart-store-'));
  store = await ChartStore.open(join(directory, 'store'));
});

afterEach(() => rm(directory, { recursive: true }));

async function pack(from: string, names: readonly string[], target: string): Promise<void> {
  await run('tar', ['-czf', target, '-C', from, ...names]);
}

test('a chart is unpacked once, its version carries the digest, and vendored archives show their CRDs', async () => {
  const crd = 'kind: CustomResourceDefinition\nmetadata: { name: a }\n';
  await writeChart(join(directory, 'sub', 'inner'), { 'crds/a.yaml': crd });
  await writeChart(join(directory, 'top', 'demo'), { 'crds/b.yaml': crd, 'values.yaml': '# kept\n' });
  await mkdir(join(directory, 'top', 'demo', 'charts'));
  await pack(join(directory, 'sub'), ['inner'], join(directory, 'top', 'demo', 'charts', 'inner-1.0.0.tgz'));
  await pack(join(directory, 'top'), ['demo'], store.path(digest));
  const chart = await store.chart(digest, manifest);
  expect(chart.metadata.version).toBe('1.0.0+bbbbbbbbbbbb');
  expect(chart.crds.map(({ file }) => file)).toEqual(['crds/b.yaml', 'charts/inner/crds/a.yaml']);
  expect(await store.chart(digest, manifest)).toBe(chart);
  const again = await ChartStore.open(join(directory, 'store'));
  expect(await again.chart(digest, manifest)).toEqual(chart);
  expect(await readFile(join(chart.directory, 'values.yaml'), 'utf8')).toBe('# kept\n');
});

test('an archive that is no chart is refused and can be replaced', async () => {
  await mkdir(join(directory, 'x', 'a'), { recursive: true });
  await mkdir(join(directory, 'x', 'b'));
  await pack(join(directory, 'x'), ['a', 'b'], store.path(digest));
  await expect(store.chart(digest, manifest)).rejects.toThrow('exactly one directory');
  await pack(join(directory, 'x'), ['a'], store.path(digest));
  await expect(store.chart(digest, manifest)).rejects.toThrow('no Chart.yaml');
  await writeChart(join(directory, 'x', 'a'), {});
  await pack(join(directory, 'x'), ['a'], store.path(digest));
  expect((await store.chart(digest, manifest)).metadata.name).toBe('demo');
});

test('what nobody names any more is removed after a while', async () => {
  await writeChart(join(directory, 'top', 'demo'), {});
  await pack(join(directory, 'top'), ['demo'], store.path(digest));
  await store.chart(digest, manifest);
  const now = Date.now();
  await store.removeUnused(new Set([digest]), now + 10_000, 1_000);
  await store.removeUnused(new Set(), now, 3_600_000);
  expect(await store.has(digest)).toBe(true);
  await utimes(store.path(digest), 0, 0);
  await store.removeUnused(new Set(), now + 10_000, 1_000);
  expect(await store.has(digest)).toBe(false);
});
