import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '@sluice/model';
import { describe, expect, test } from 'vitest';
import {
  applyRelease,
  applySource,
  configMapChart,
  demoKey,
  eventually,
  helmBinary,
  revisionsOf,
  startCluster,
  stuckChart,
  waitForCondition,
  type Cluster,
} from './cluster.ts';

const main = join(import.meta.dirname, '..', 'src', 'main.ts');
/** More of them: `npm run kill -w @sluice/helm-operator`. */
const samples = Number(process.env['SLUICE_KILL_SAMPLES'] ?? 4);
const seed = Number(process.env['SLUICE_KILL_SEED'] ?? 1);

/** What is under way when the operator is killed, within `windowMs` of its beginning, and what must come of it. */
type Scenario = {
  readonly name: string;
  readonly windowMs: number;
  prepare(cluster: Cluster): Promise<void>;
  begin(cluster: Cluster): Promise<void>;
  settled(cluster: Cluster): Promise<unknown>;
  readonly revisions: readonly string[];
};

const remediated = { timeout: '2s', upgrade: { timeout: '1s', remediation: { remediateLastFailure: true } } };
const installed = async (cluster: Cluster): Promise<void> => {
  await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
  await applyRelease(cluster.kube, remediated);
  await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
};

const scenarios: readonly Scenario[] = [
  {
    name: 'install',
    windowMs: 700,
    prepare: async (cluster) => applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0')),
    begin: (cluster) => applyRelease(cluster.kube, remediated),
    settled: (cluster) => waitForCondition(cluster.kube, 'Ready', 'True'),
    revisions: ['v1 deployed'],
  },
  {
    name: 'upgrade',
    windowMs: 500,
    prepare: installed,
    begin: (cluster) => applyRelease(cluster.kube, { ...remediated, values: { color: 'blue' } }),
    settled: async (cluster) => {
      await eventually(async () => ((await revisionsOf(cluster.kube)).includes('v2 deployed') ? true : undefined));
      await waitForCondition(cluster.kube, 'Ready', 'True');
    },
    revisions: ['v1 superseded', 'v2 deployed'],
  },
  {
    name: 'upgrade that fails, and its rollback',
    windowMs: 2_500,
    prepare: installed,
    begin: async (cluster) => applySource(cluster.kube, await cluster.push(stuckChart, '2.0.0')),
    settled: (cluster) => waitForCondition(cluster.kube, 'Stalled', 'True', 'RetriesExceeded'),
    revisions: ['v1 superseded', 'v2 failed', 'v3 deployed'],
  },
  {
    name: 'uninstall',
    windowMs: 400,
    prepare: installed,
    begin: (cluster) => cluster.kube.delete(resources.helmReleases, demoKey),
    settled: (cluster) =>
      eventually(async () => ((await cluster.kube.get(resources.helmReleases, demoKey)) ? undefined : true)),
    revisions: [],
  },
];

/** The same numbers for the same seed, from 0 to 1. */
function randomOf(index: number): number {
  let state = (seed * 2_654_435_761 + index * 40_503) >>> 0;
  for (let round = 0; round < 4; round++) state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 1) >>> 0;
  return state / 2 ** 32;
}

const cases = Array.from({ length: samples }, (_, index) => {
  const scenario = scenarios[index % scenarios.length] ?? scenarios[0];
  const atMs = Math.round(randomOf(index) * (scenario?.windowMs ?? 0));
  // Every other round helm outlives the operator.
  return { index, scenario, atMs, helmToo: Math.floor(index / scenarios.length) % 2 === 0, name: scenario?.name ?? '' };
});

describe.skipIf(!helmBinary || process.platform !== 'linux')('killed at any moment (needs linux and helm)', () => {
  test.for(cases)('$index: $name, after $atMs ms, helm too: $helmToo', { timeout: 60_000 }, async (sample) => {
    const { scenario, atMs, helmToo } = sample;
    if (!scenario) throw new Error('there are no scenarios');
    const cluster = await startCluster();
    const data = join(cluster.scratch, 'data');
    let operator = startMain(cluster, data);
    try {
      await scenario.prepare(cluster);
      await scenario.begin(cluster);
      await sleep(atMs);
      const ended = once(operator, 'exit');
      operator.kill('SIGKILL');
      await ended;
      if (helmToo) await killHelm(data);
      operator = startMain(cluster, data);
      await scenario.settled(cluster);
      expect(await revisionsOf(cluster.kube)).toEqual(scenario.revisions);
    } finally {
      const ended = once(operator, 'exit');
      operator.kill('SIGTERM');
      await ended;
      await cluster.close();
    }
  });
});

function startMain({ kubeconfig }: Cluster, data: string): ChildProcess {
  const flags = ['--kubeconfig', kubeconfig, '--data', data, '--log-level', 'error'];
  const env = { PATH: process.env['PATH'], HELM_BIN: helmBinary };
  return spawn(process.execPath, ['--conditions=@sluice/source', main, ...flags], { stdio: 'inherit', env });
}

async function killHelm(data: string): Promise<void> {
  for (const pid of await readdir(join(data, 'helm', 'children')).catch((): string[] => [])) {
    try {
      process.kill(-Number(pid), 'SIGKILL');
    } catch {
      // This one has ended by itself meanwhile.
    }
  }
}
