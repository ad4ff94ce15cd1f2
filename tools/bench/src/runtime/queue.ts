import { createController, KubeApiError, type KubeApi, Workqueue } from '@sluice/reconcile';
import { type KubeObject, resources } from '@sluice/model';
import { silentLog } from '@sluice/runtime';
import { compare, median, shownRatio } from './statistics.ts';
import { listedPod } from './pods.ts';

export type QueueOptions = { readonly rounds: number; readonly report: (line: string) => void };

const keyCount = 50_000;
const objectCount = 10_000;
const adds = 3;

/** 50,000 keys queued three times each and taken, beside a Set; reconciles a second of a controller that does nothing. */
export async function benchQueue({ rounds, report }: QueueOptions): Promise<void> {
  const keys = Array.from({ length: keyCount }, (_, at) => `team-${at % 40}/object-${at}`);
  const own: number[] = [];
  const floor: number[] = [];
  const controller: number[] = [];
  const loop: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const times = [await timed(() => queueKeys(keys)), await timed(() => setKeys(keys))] as const;
    const passes = [await reconcileAll(), await timed(() => loopOver(objectCount))] as const;
    if (round < 0) continue;
    own.push(times[0]);
    floor.push(times[1]);
    controller.push(passes[0]);
    loop.push(passes[1]);
  }
  report(`${keyCount} keys, each added ${adds} times, taken once and done with`);
  report(`  workqueue ${median(own).toFixed(0)} ms, a Set and a promise a key ${median(floor).toFixed(0)} ms`);
  report(`    over the floor: ${shownRatio(compare(own, floor))}; ${perSecond(keyCount, own)} keys a second`);
  report(`controller with ${objectCount} objects whose reconciler does nothing, 4 at a time`);
  report(
    `  ${perSecond(objectCount, controller)} reconciles a second; a loop of awaits ${perSecond(objectCount, loop)} a second`,
  );
}

function perSecond(count: number, times: readonly number[]): string {
  return Math.round((count * 1_000) / median(times)).toLocaleString('en');
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function queueKeys(keys: readonly string[]): Promise<void> {
  const queue = new Workqueue();
  for (let time = 0; time < adds; time++) for (const key of keys) queue.add(key);
  if (queue.depth !== keys.length) throw new Error(`${queue.depth} keys wait`);
  for (let left = keys.length; left > 0; left--) queue.done((await queue.next()) ?? '');
  queue.close();
}

async function setKeys(keys: readonly string[]): Promise<void> {
  const waiting = new Set<string>();
  for (let time = 0; time < adds; time++) for (const key of keys) waiting.add(key);
  for (const key of waiting) {
    waiting.delete(key);
    await Promise.resolve(key);
  }
}

async function loopOver(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await nothing();
}

async function nothing(): Promise<object> {
  return {};
}

/** From the first reconcile to the last of all objects. */
async function reconcileAll(): Promise<number> {
  const items = Array.from({ length: objectCount }, (_, at) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    ...listedPod(at, at),
  }));
  const done = Promise.withResolvers<void>();
  let startedMs = 0;
  let left = objectCount;
  const controller = createController({
    name: 'nothing',
    kube: kubeOf(items),
    watches: [{ resource: resources.pods }],
    log: silentLog,
    async reconcile() {
      if (left === objectCount) startedMs = performance.now();
      left--;
      if (left === 0) done.resolve();
      return {};
    },
  });
  await controller.start();
  await done.promise;
  const elapsedMs = performance.now() - startedMs;
  await controller.close();
  return elapsedMs;
}

/** An API that lists these objects and never changes. */
function kubeOf(items: readonly KubeObject[]): KubeApi {
  const refuse = async (): Promise<never> => {
    throw new KubeApiError(405, 'MethodNotAllowed', 'only lists and watches');
  };
  return {
    get: refuse,
    create: refuse,
    replace: refuse,
    apply: refuse,
    patch: refuse,
    delete: refuse,
    list: async <T extends KubeObject>() => ({ items: items as readonly T[], resourceVersion: '1' }),
    watch: (_, { signal }) =>
      new ReadableStream<never>({
        start: (stream) => signal.addEventListener('abort', () => stream.close(), { once: true }),
      }),
    logs: () => new ReadableStream<never>({ start: refuse }),
  };
}
