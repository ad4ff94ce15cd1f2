import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { resources, type JsonObject } from '@sluice/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  applyRelease,
  applySource,
  configMapChart,
  demoKey,
  eventually,
  getRelease,
  helmBinary,
  makeReady,
  revisionsOf,
  startCluster,
  stuckChart,
  waitForCondition,
  type Cluster,
} from './cluster.ts';

const main = join(import.meta.dirname, '..', 'src', 'main.ts');

describe.skipIf(!helmBinary || process.platform !== 'linux')('a killed operator (needs linux and helm)', () => {
  let cluster: Cluster;
  let operator: ChildProcess;
  let data: string;

  beforeEach(async () => {
    cluster = await startCluster();
    data = join(cluster.scratch, 'data');
    operator = startMain();
  });

  afterEach(async () => {
    const ended = once(operator, 'exit');
    operator.kill('SIGTERM');
    await ended;
    await cluster.close();
  });

  function startMain(): ChildProcess {
    const args = [
      '--conditions=@sluice/source',
      main,
      '--kubeconfig',
      cluster.kubeconfig,
      '--data',
      data,
      '--log-level',
      'error',
    ];
    const env = { PATH: process.env['PATH'], HELM_BIN: helmBinary };
    return spawn(process.execPath, args, { stdio: 'inherit', env });
  }

  const statuses = (): Promise<readonly string[]> => revisionsOf(cluster.kube);
  const helmPids = async (): Promise<number[]> => (await readdir(join(data, 'helm', 'children'))).map(Number);

  /** A release at revision 1 whose upgrade to revision 2 waits for a Deployment that is not ready. */
  async function startUpgrade(spec: JsonObject = { timeout: '60s' }): Promise<void> {
    await applySource(cluster.kube, await cluster.push(configMapChart, '1.0.0'));
    await applyRelease(cluster.kube, spec);
    await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
    await applySource(cluster.kube, await cluster.push(stuckChart, '2.0.0'));
    await eventually(async () =>
      (await statuses()).includes('v2 pending-upgrade') && (await helmPids()).length > 0 ? true : undefined,
    );
    await eventually(() => cluster.kube.get(resources.deployments, { namespace: 'apps', name: 'demo-app' }));
  }

  async function killOperator(): Promise<void> {
    const ended = once(operator, 'exit');
    operator.kill('SIGKILL');
    await ended;
  }

  const actions = async (): Promise<string[]> =>
    ((await getRelease(cluster.kube)).status?.history ?? []).map(
      ({ version, action, status }) => `v${version} ${action} ${status}`,
    );

  test('together with helm in the middle of an upgrade: the upgrade is repeated under the same number', async () => {
    await startUpgrade();
    const [helm = 0] = await helmPids();
    await killOperator();
    process.kill(-helm, 'SIGKILL');
    expect(await statuses()).toEqual(['v1 deployed', 'v2 pending-upgrade']);
    operator = startMain();
    await eventually(async () => ((await helmPids()).some((pid) => pid !== helm) ? true : undefined));
    await makeReady(cluster.kube);
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(await statuses()).toEqual(['v1 superseded', 'v2 deployed']);
    expect(await actions()).toEqual(['v2 upgrade deployed', 'v1 install superseded']);
  });

  test('while helm goes on: its result is taken over, and nothing is done twice', async () => {
    await startUpgrade();
    await killOperator();
    operator = startMain();
    await makeReady(cluster.kube);
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(await statuses()).toEqual(['v1 superseded', 'v2 deployed']);
    expect(await actions()).toEqual(['v2 upgrade deployed', 'v1 install superseded']);
  });

  test('a SIGTERM ends helm, which records the failure, and the next start upgrades again', async () => {
    await startUpgrade();
    const ended = once(operator, 'exit');
    operator.kill('SIGTERM');
    await ended;
    expect(await statuses()).toEqual(['v1 deployed', 'v2 failed']);
    expect(await actions()).toEqual(['v2 upgrade failed', 'v1 install deployed']);
    expect((await getRelease(cluster.kube)).status?.upgradeFailures ?? 0).toBe(0);
    operator = startMain();
    await eventually(async () => ((await statuses()).includes('v3 pending-upgrade') ? true : undefined));
    await makeReady(cluster.kube);
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
  });

  /** Kill operator and helm as soon as the latest revision has this status. */
  async function killAt(status: string): Promise<void> {
    await eventually(async () => ((await revisionsOf(cluster.kube)).at(-1)?.endsWith(status) ? true : undefined));
    const pids = await helmPids();
    await killOperator();
    for (const pid of pids) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // This one has ended by itself meanwhile.
      }
    }
  }

  test('in the middle of an install whose HelmRelease is then deleted: nothing is left behind', async () => {
    await applySource(cluster.kube, await cluster.push(stuckChart, '1.0.0'));
    await applyRelease(cluster.kube, { timeout: '60s' });
    const key = { namespace: 'apps', name: 'demo-app' };
    await eventually(() => cluster.kube.get(resources.deployments, key));
    await killAt('pending-install');
    await cluster.kube.delete(resources.helmReleases, demoKey);
    operator = startMain();
    await eventually(async () => ((await cluster.kube.get(resources.helmReleases, demoKey)) ? undefined : true));
    expect(await statuses()).toEqual([]);
    expect(await cluster.kube.get(resources.deployments, key)).toBeUndefined();
  });

  test('around the rollback of a failed upgrade: one rollback, and the message still says what failed', async () => {
    await startUpgrade({ upgrade: { timeout: '2s', remediation: { remediateLastFailure: true } } });
    await killAt('v2 failed');
    operator = startMain();
    const stalled = await waitForCondition(cluster.kube, 'Stalled', 'True', 'RetriesExceeded');
    expect(await statuses()).toEqual(['v1 superseded', 'v2 failed', 'v3 deployed']);
    expect(await actions()).toEqual(['v3 rollback deployed', 'v2 upgrade failed', 'v1 install superseded']);
    expect(stalled.status?.upgradeFailures).toBe(1);
    const message = stalled.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
    expect(message).toContain('Deployment/apps/demo-app not ready');
  });
});
