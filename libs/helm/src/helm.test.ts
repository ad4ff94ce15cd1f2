import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readChart } from './chart-directory.ts';
import { Children } from './children.ts';
import { findHelm } from './find-binary.ts';
import { createHelm } from './helm.ts';
import { packageChart } from './package-chart.ts';
import { runProcess } from './run-process.ts';
import { testHelmBinary, writeChart } from './testing.ts';

const binary = await testHelmBinary();
let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'helm-test-'));
});

afterEach(() => rm(scratch, { recursive: true, force: true }));

async function script(name: string, body: string): Promise<string> {
  const path = join(scratch, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

const env = { PATH: '/usr/bin:/bin' };

test('a named binary that is too old is refused with what to do', async () => {
  const old = await script('helm', 'echo v3.14.0');
  await expect(findHelm({ env: { HELM_BIN: old }, cacheDirectory: scratch })).rejects.toThrow(
    `HELM_BIN=${old} cannot be used: it is version 3.14.0; install helm 4.0 or later`,
  );
});

test('an old helm on PATH is passed over for a newer one', async () => {
  await mkdir(join(scratch, 'a'));
  await mkdir(join(scratch, 'b'));
  await script('a/helm', 'echo v3.14.0');
  const newer = await script('b/helm', 'echo v4.2.0');
  const found = await findHelm({ env: { PATH: `${scratch}/a:${scratch}/b` }, cacheDirectory: scratch });
  expect(found).toEqual({ path: newer, version: '4.2.0', source: 'path' });
});

test.skipIf(!binary)('the bundled helm is unpacked once and used again (linux x64)', async () => {
  const found = await findHelm({ env: {}, cacheDirectory: scratch });
  expect(found.source).toBe('bundled');
  expect(Number(found.version.split('.')[0])).toBeGreaterThanOrEqual(4);
  expect(await findHelm({ env: {}, cacheDirectory: scratch })).toEqual(found);
  expect((await readdir(scratch)).length).toBe(1);
});

test.skipIf(!binary)(
  'packaging the same chart twice gives the same bytes, at another time other ones (needs helm)',
  async () => {
    const files = { 'values.yaml': 'a: 1\n', 'templates/x.yaml': 'kind: ConfigMap\n' };
    const digests: string[] = [];
    for (const [name, mtimeSeconds] of [
      ['one', 1_700_000_000],
      ['two', 1_700_000_000],
      ['three', 1_800_000_000],
    ] as const) {
      const chartDirectory = await writeChart(join(scratch, name), files);
      const packaged = await packageChart({
        binary: binary ?? '',
        chartDirectory,
        mtimeSeconds,
        version: '1.2.3-sha.abc',
        appVersion: 'f00',
      });
      if (!packaged.ok) throw new Error(packaged.failure.message);
      expect(packaged.metadata).toMatchObject({ name: 'demo', version: '1.2.3-sha.abc', appVersion: 'f00' });
      digests.push(createHash('sha256').update(packaged.archive).digest('hex'));
    }
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).not.toBe(digests[2]);
  },
);

test('CRDs of a chart and its subcharts are found, and a broken Chart.yaml says why', async () => {
  const crd = 'kind: CustomResourceDefinition\nmetadata: { name: a }\n';
  await writeChart(scratch, { 'crds/b.yaml': crd, 'crds/a.yaml': `${crd}---\n${crd}`, 'charts/sub/crds/c.yml': crd });
  const chart = await readChart(scratch);
  expect(chart.crds.map(({ file }) => file)).toEqual([
    'crds/a.yaml',
    'crds/a.yaml',
    'crds/b.yaml',
    'charts/sub/crds/c.yml',
  ]);
  await writeFile(join(scratch, 'Chart.yaml'), 'name: x\nversion: 1\n');
  await expect(readChart(scratch)).rejects.toThrow('version is missing or not a text');
});

test('a process that does not end in time gets SIGTERM, then SIGKILL with the children that hold its output', async () => {
  const stubborn = await script('stubborn', 'trap "" TERM; sleep 100 & echo $!; wait; wait');
  const result = await runProcess({ command: stubborn, args: [], env, timeoutMs: 200, graceMs: 200 });
  expect([result.code, result.ended]).toEqual([null, 'timeout']);
});

test('output beyond the cap is cut at the front', async () => {
  const noisy = await script('noisy', 'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done');
  const { stdout } = await runProcess({ command: noisy, args: [], env, timeoutMs: 10_000, maxOutputBytes: 100 });
  expect(stdout.length).toBe(100);
  expect(stdout.endsWith('line 1999\n')).toBe(true);
});

test('cancelling an operation sends SIGTERM and says so; a second one on the release waits for it', async () => {
  const fake = await script(
    'helm',
    `echo $$ $1 >> ${scratch}/log; trap 'echo "Error: context canceled" >&2; exit 1' TERM; [ "$1" = test ] || { sleep 100 & wait; }`,
  );
  const helm = await createHelm({
    binary: fake,
    kubeconfig: '/none',
    workDirectory: join(scratch, 'work'),
    log: silentLog,
  });
  const abort = new AbortController();
  const target = { name: 'demo', namespace: 'default' };
  const installing = helm.install({ ...target, chartDirectory: '/c', values: '{}', timeoutMs: 60_000 }, abort.signal);
  const testing = helm.test({ ...target, timeoutMs: 1_000 });
  while (!(await readdir(scratch)).includes('log')) await new Promise((resolve) => setTimeout(resolve, 10));
  abort.abort(new Error('superseded'));
  expect(await installing).toMatchObject({ ok: false, failure: { kind: 'Cancelled', message: 'context canceled' } });
  expect(await testing).toMatchObject({ ok: true });
  await helm.close();
});

test('a helm process that a killed operator left behind is waited for, and ended when we stop (linux)', async () => {
  const directory = join(scratch, 'work', 'children');
  const earlier = await Children.open(directory);
  const child = spawn('/bin/sh', ['-c', 'sleep 100'], { detached: true });
  await once(child, 'spawn');
  await earlier.add(child.pid ?? 0, 'default/demo', 60_000);
  const ended = once(child, 'exit');
  await writeFile(join(directory, String(process.pid)), '{"startTime":"another","key":"default/other","until":0}');
  const helm = await createHelm({
    binary: '/none',
    kubeconfig: '/none',
    workDirectory: join(scratch, 'work'),
    log: silentLog,
  });
  await helm.settled({ namespace: 'default', name: 'other' });
  let free = false;
  const settled = helm.settled({ namespace: 'default', name: 'demo' }).then(() => (free = true));
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(free).toBe(false);
  await helm.close();
  await settled;
  expect((await ended)[1]).toBe('SIGTERM');
  expect(await readdir(directory)).toEqual([]);
});
