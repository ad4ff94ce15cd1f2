import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startUnderTest, type UnderTest } from './apiserver-under-test.ts';
import { type Etcd, startEtcd } from './etcd.ts';
import type { HttpsClient } from './https-client.ts';
import { configMapOf, podOf } from './objects.ts';

export type ApiServerBenchOptions = {
  /** How long each throughput is measured, all slices together. */
  readonly seconds: number;
  readonly pods: number;
  readonly watchers: number;
  readonly report: (line: string) => void;
};

const connections = 32;
/** A figure is the best of so many slices, in turns with the others, because the machine may be busy with something else. */
const slices = 6;

/** Durable creates, fan-out, a long list, memory and start of the embedded API server, beside the floor and beside etcd. */
export async function benchApiServer(options: ApiServerBenchOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const server = await startUnderTest('apiserver', directory);
  const floor = await startUnderTest('floor', directory);
  const etcd = await startEtcd(directory, connections);
  try {
    options.report(`API server ready, empty store          ${shown(server.startMs)} ms from the start of its process`);
    await throughput(options, server, floor, etcd);
    await fanOut(options, server, floor);
    await longList(options, server, floor);
  } finally {
    for (const one of [server, floor, etcd]) one?.close();
  }
  try {
    await restart(options, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function throughput(
  { seconds, report }: ApiServerBenchOptions,
  server: UnderTest,
  floor: UnderTest,
  etcd: Etcd | undefined,
): Promise<void> {
  const subjects: readonly (readonly [name: string, create: Create])[] = [
    ['server', creator(server.client)],
    ['floor', creator(floor.client)],
    ...(etcd
      ? [
          [
            'etcd',
            (on: number, name: string) => etcd.put(on, `/registry/configmaps/default/${name}`, configMapOf(name)),
          ] as const,
        ]
      : []),
  ];
  for (const count of [1, connections]) {
    const best = new Map<string, number>();
    for (let slice = 0; slice < slices; slice++) {
      for (const [name, create] of subjects) {
        const rate = await creates(create, count, (seconds * 1_000) / slices, `c${count}-${slice}`);
        best.set(name, Math.max(best.get(name) ?? 0, rate));
      }
    }
    const [own, least, other] = ['server', 'floor', 'etcd'].map((name) => best.get(name) ?? 0);
    report(
      `durable creates, ${String(count).padEnd(2)} connection${count > 1 ? 's' : ' '}       ${beside(own, least, '/s')}`,
    );
    if (etcd)
      report(
        `  etcd ${etcd.version}, durable puts              ${shown(other)} /s: ${((own ?? 0) / (other || 1)).toFixed(1)} × it`,
      );
  }
  if (!etcd) report('  etcd is not installed here (Debian: etcd-server)');
}

function beside(own = 0, least = 0, unit = ''): string {
  return `${shown(own)} ${unit}, floor ${shown(least)} ${unit}: ${Math.round((own / (least || 1)) * 100)} % of it`;
}

function shown(value = 0): string {
  return Math.round(value).toLocaleString('en').padStart(9);
}

type Create = (connection: number, name: string) => Promise<void>;

const maps = '/api/v1/namespaces/default/configmaps';
const creator =
  (client: HttpsClient): Create =>
  (_, name) =>
    client.post(maps, configMapOf(name));

/** Creates a second over that many connections. */
async function creates(create: Create, count: number, ms: number, name: string): Promise<number> {
  const started = performance.now();
  let done = 0;
  const writer = async (writing: number): Promise<void> => {
    for (let index = 0; performance.now() - started < ms; index++) {
      await create(writing, `${name}-${writing}-${index}`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: count }, (_, index) => writer(index)));
  return (done * 1_000) / (performance.now() - started);
}

async function fanOut({ seconds, watchers, report }: ApiServerBenchOptions, ...both: UnderTest[]): Promise<void> {
  const best = [0, 0];
  for (let slice = 0; slice < 3; slice++) {
    for (const [index, { client }] of both.entries()) {
      const rate = await eventsTo(client, watchers, (seconds * 1_000) / 3, `fan-${slice}`);
      best[index] = Math.max(best[index] ?? 0, rate);
    }
  }
  report(`events to ${watchers} watches, all together ${beside(best[0], best[1], '/s')}`);
}

/** Events a second that arrive at all watches together, while 8 connections write. */
async function eventsTo(client: HttpsClient, watchers: number, ms: number, name: string): Promise<number> {
  let lines = 0;
  const open = await Promise.all(
    Array.from({ length: watchers }, async () => {
      const response = await client.get(`${maps}?watch=true&resourceVersion=${client.lastVersion}`);
      response.on('data', (part: Buffer) => {
        for (const byte of part) if (byte === 10) lines++;
      });
      return response;
    }),
  );
  const started = performance.now();
  const rate = await creates(creator(client), 8, ms, name);
  const wanted = Math.round((rate * (performance.now() - started)) / 1_000) * watchers;
  while (lines < wanted * 0.999 && performance.now() - started < ms * 10)
    await new Promise((wake) => setTimeout(wake, 5));
  const elapsed = performance.now() - started;
  for (const response of open) response.destroy();
  return (lines * 1_000) / elapsed;
}

const podPath = '/api/v1/namespaces/default/pods';

async function longList({ pods, report }: ApiServerBenchOptions, server: UnderTest, floor: UnderTest): Promise<void> {
  const before = await server.memory();
  for (const { client } of [server, floor]) await fill(client, pods);
  const after = await server.memory();
  const [own, least] = [await bestList(server.client, podPath), await bestList(floor.client, `${podPath}?prefix=pods`)];
  const perMegabyte = (list: Listing): number => list.elapsedMs / (list.bytes / 1e6);
  report(
    `list of ${pods} pods                     ${shown(own.elapsedMs)} ms for ${(own.bytes / 1e6).toFixed(1)} MB, ` +
      `floor ${shown(least.elapsedMs)} ms for ${(least.bytes / 1e6).toFixed(1)} MB: ` +
      `${Math.round((perMegabyte(least) / perMegabyte(own)) * 100)} % of it a byte`,
  );
  report(
    `memory for each of ${pods} pods          ${shown((after.heapUsed - before.heapUsed) / pods)} bytes of heap, ` +
      `${shown((after.rss - before.rss) / pods)} resident; its JSON has ${shown(own.bytes / pods)}`,
  );
}

async function fill(client: HttpsClient, count: number): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) await client.post(podPath, podOf(next++));
  };
  await Promise.all(Array.from({ length: connections }, writer));
}

type Listing = { readonly elapsedMs: number; readonly bytes: number };

/** The best of five, body read to its end. */
async function bestList(client: HttpsClient, path: string): Promise<Listing> {
  let best = { elapsedMs: Number.POSITIVE_INFINITY, bytes: 0 };
  for (let attempt = 0; attempt < 5; attempt++) {
    const started = performance.now();
    const response = await client.get(path);
    let bytes = 0;
    for await (const part of response) bytes += (part as Buffer).length;
    const elapsedMs = performance.now() - started;
    if (elapsedMs < best.elapsedMs) best = { elapsedMs, bytes };
  }
  return best;
}

/** The start over everything that was written, best of three. */
async function restart({ report }: ApiServerBenchOptions, directory: string): Promise<void> {
  let best = Number.POSITIVE_INFINITY;
  let objects = 0;
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = await startUnderTest('apiserver', directory);
    best = Math.min(best, server.startMs);
    objects = await storedObjects(server.client);
    server.close();
  }
  report(`API server ready, ${shown(objects).trim()} objects stored  ${shown(best)} ms from the start of its process`);
}

async function storedObjects(client: HttpsClient): Promise<number> {
  let text = '';
  for await (const part of await client.get('/metrics')) text += String(part);
  const counts = [...text.matchAll(/^apiserver_storage_objects\{[^}]*\} (\d+)$/gmu)].map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
}
