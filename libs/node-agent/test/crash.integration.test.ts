import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { detectSandbox } from '../src/container/sandbox.ts';
import { writeState } from '../src/node/state-file.ts';
import type { Pod } from '../src/pod/pod-spec.ts';
import { newContainerState, newPodState } from '../src/pod/pod-state.ts';
import { makePod, PodDriver } from '../src/testing.ts';

const support = await detectSandbox();
let driver: PodDriver | undefined;
afterEach(() => driver?.dispose());

/** Run pods in another process until they run or have ended, then kill it with SIGKILL. */
async function runAndKill(directory: string, runtime: string, pods: readonly Pod[]): Promise<readonly Pod[]> {
  const main = join(import.meta.dirname, '../src/testing/crash-child.ts');
  const args = ['--conditions=@sluice/source', main, directory, runtime, JSON.stringify(pods)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return JSON.parse(text) as Pod[];
}

for (const runtime of ['sandbox', 'process'] as const) {
  const title = runtime === 'sandbox' && !support.available ? `sandbox (skipped: ${support.reason})` : runtime;
  describe.skipIf(runtime === 'sandbox' && !support.available)(`after kill -9 in the runtime ${title}`, () => {
    test('a Never pod is lost and not run again, an Always pod is restarted, an ended one stays; no process survives', async () => {
      driver = new PodDriver(new FakeKube(), { runtime });
      const mark = `7${Date.now() % 100_000}.5`;
      const never = makePod('never').sh(`sleep ${mark}`).build();
      const always = makePod('always').sh(`sleep ${mark}`).spec({ restartPolicy: 'Always' }).build();
      const ended = makePod('ended').sh('echo done').build();
      const before = await runAndKill(driver.directory, runtime, [never, always, ended]);
      const statusOf = (pod: Pod) => before.find(({ metadata }) => metadata.uid === pod.metadata.uid)?.status;
      for (const pod of before) driver.kube.put(resources.pods, pod);
      await driver.start();

      const lost = await driver.until(never, ({ phase }) => phase === 'Failed');
      expect(lost.status).toMatchObject({ reason: 'NodeLost', message: expect.stringContaining('not run again') });
      const again = await driver.until(always, (status) => (status.containerStatuses?.[0]?.restartCount ?? 0) === 1);
      await driver.until(always, ({ phase }) => phase === 'Running');
      expect(again.status?.containerStatuses?.[0]?.lastState.terminated?.reason).toBe('ContainerStatusUnknown');
      const kept = driver.kube.object<Pod>(resources.pods, { namespace: 'default', name: 'ended' });
      expect(kept.status).toEqual(statusOf(ended));
      expect(await driver.logs(ended)).toBe('done\n');
      await expect.poll(() => running(mark)).toBe(1);
      await driver.stop();
      await expect.poll(() => running(mark)).toBe(0);
    });
  });
}

test('an end that was recorded but not reported is reported, without running anything', async () => {
  driver = new PodDriver(new FakeKube(), { runtime: 'process' });
  await driver.start();
  await driver.stop();
  const pod = makePod('recorded').sh('exit 9').build();
  const directory = join(driver.directory, 'pods', pod.metadata.uid ?? '');
  mkdirSync(directory, { recursive: true });
  const exit = { code: 3, reason: 'Error', startedAt: 1_000, finishedAt: 2_000 };
  const main = { ...newContainerState, phase: 'exited', startedAt: 1_000, crashes: 1, exit } as const;
  writeState(directory, { ...newPodState, startedAt: 1_000, containers: { main } });
  driver.kube.put(resources.pods, pod);
  await driver.start();
  const after = await driver.until(pod, ({ phase }) => phase === 'Failed');
  expect(after.status?.containerStatuses?.[0]?.state.terminated).toMatchObject({
    exitCode: 3,
    finishedAt: '1970-01-01T00:00:02Z',
  });
  expect(after.status?.reason).toBeUndefined();
});

test('a Running pod without any record is lost; a Pending one is run', async () => {
  driver = new PodDriver(new FakeKube(), { runtime: 'process' });
  const running = makePod('norecord').sh('true').build();
  const pending = makePod('pending').sh('true').build();
  driver.kube.put(resources.pods, { ...running, status: { phase: 'Running' } });
  driver.kube.put(resources.pods, pending);
  await driver.start();
  expect((await driver.until(running, ({ phase }) => phase === 'Failed')).status?.reason).toBe('NodeLost');
  await driver.until(pending, ({ phase }) => phase === 'Succeeded');
});

test('directories of pods that are gone are removed at the start', async () => {
  driver = new PodDriver(new FakeKube(), { runtime: 'process' });
  mkdirSync(join(driver.directory, 'pods/some-uid/logs'), { recursive: true });
  await driver.start();
  expect(readdirSync(join(driver.directory, 'pods'))).toEqual([]);
});

function running(mark: string): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(`sleep\0${mark}`);
    } catch {
      return false;
    }
  }).length;
}
