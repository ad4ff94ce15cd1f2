/** A client under measurement, in a process of its own: `list-client.ts ROLE URL COUNT`. One round for each message of its parent. */
import { resources } from '@sluice/model';

export type Role = 'floor' | 'sluice' | 'client-node';
/** Times are milliseconds; heap is what is kept after a collection. */
export type Round = {
  readonly listMs: number;
  readonly listCpuMs: number;
  readonly heapBytes: number;
  readonly watchMs: number;
  readonly watchCpuMs: number;
};

/** A list that is held, and what to do to see `count` more events and to let go. */
type Held = { readonly events: Promise<void>; readonly close: () => Promise<void> | void; readonly kept: unknown };

const [role = '', url = '', countText = ''] = process.argv.slice(2);
const count = Number(countText);

const openers: Readonly<Record<string, () => Promise<() => Promise<Held>>>> = {
  floor: async () => async () => {
    const response = await fetch(`${url}/api/v1/pods`);
    const { items } = JSON.parse(await response.text()) as { items: unknown[] };
    const stop = new AbortController();
    return { kept: items, events: readLines(stop.signal), close: () => stop.abort() };
  },
  sluice: async () => {
    const [{ createKubeApi, httpTransport }, { createInformer }] = await Promise.all([
      import('@sluice/kube'),
      import('@sluice/reconcile'),
    ]);
    const kube = createKubeApi({ transport: httpTransport({ server: url }) });
    return async () => {
      const informer = createInformer(kube, { resource: resources.pods });
      const events = countdown((seen) =>
        informer.subscribe(({ type }) => type === 'updated' && seen(), { keysOnly: true }),
      );
      informer.start();
      await informer.synced();
      return { kept: informer, events, close: () => informer.close() };
    };
  },
  'client-node': async () => {
    const { CoreV1Api, KubeConfig, makeInformer } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'c', server: url, skipTLSVerify: true }],
      users: [{ name: 'u' }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    const api = config.makeApiClient(CoreV1Api);
    return async () => {
      const informer = makeInformer(config, '/api/v1/pods', () => api.listPodForAllNamespaces());
      const events = countdown((seen) => informer.on('update', () => seen()));
      await informer.start();
      return { kept: informer, events, close: () => informer.stop() };
    };
  },
};

/** Resolves after `count` calls. */
function countdown(listen: (seen: () => void) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = count;
  listen(() => {
    left--;
    if (left === 0) resolve();
  });
  return promise;
}

/** The least that a watch takes: chunks, lines, one parse each. */
async function readLines(signal: AbortSignal): Promise<void> {
  const response = await fetch(`${url}/api/v1/pods?watch=true`, { signal });
  const decoder = new TextDecoder();
  let rest = '';
  let left = count;
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (JSON.parse(line) !== undefined) left--;
    if (left === 0) return;
  }
}

const next = (): Promise<unknown> => new Promise((resolve) => process.once('message', resolve));
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const open = await openers[role]?.();
if (!open) throw new Error(`no such role: ${role}`);
process.once('disconnect', () => process.exit(0));
for (;;) {
  await next();
  process.send?.(await playRound(open));
}

/** A function of its own: what one round has held must be gone in the next. */
async function playRound(openList: () => Promise<Held>): Promise<Round> {
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const [startedMs, startedCpu] = [performance.now(), cpuMs()];
  const held = await openList();
  const [listMs, listCpuMs] = [performance.now() - startedMs, cpuMs() - startedCpu];
  globalThis.gc?.();
  const heapBytes = process.memoryUsage().heapUsed - heapBefore;
  process.send?.('listed');
  await next();
  const [burstMs, burstCpu] = [performance.now(), cpuMs()];
  await held.events;
  const [watchMs, watchCpuMs] = [performance.now() - burstMs, cpuMs() - burstCpu];
  await held.close();
  if (held.kept === undefined) throw new Error('nothing was kept');
  return { listMs, listCpuMs, heapBytes, watchMs, watchCpuMs };
}
