import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configMapOf, podOf } from './objects.ts';

export type ApiServerBenchOptions = {
  /** How long each throughput is measured. */
  readonly seconds: number;
  readonly pods: number;
  readonly watchers: number;
  readonly report: (line: string) => void;
};

type Role = 'apiserver' | 'floor';
type Figures = {
  readonly serial: number;
  readonly parallel: number;
  readonly fanOut: number;
  readonly listMs: number;
  readonly listMegabytes: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
};

/** Durable creates, fan-out, a long list and memory of the embedded API server, each beside the floor. */
export async function benchApiServer(options: ApiServerBenchOptions): Promise<void> {
  // In turns and the best of each, because the machine may be busy with something else for a while.
  const rounds: { readonly server: Figures; readonly floor: Figures }[] = [];
  for (let round = 0; round < 2; round++) rounds.push(await measureBoth(options));
  const server = rounds.map((one) => one.server).reduce(better);
  const floor = rounds.map((one) => one.floor).reduce(better);
  const line = (name: string, unit: string, of: (figures: Figures) => number, isTime = false): void => {
    const [own, least] = [of(server), of(floor)];
    const share = Math.round(((isTime ? least / own : own / least) || 0) * 100);
    options.report(`${name.padEnd(34)} ${shown(own)} ${unit}, floor ${shown(least)} ${unit}: ${share} % of it`);
  };
  line('durable creates, 1 connection', '/s', ({ serial }) => serial);
  line('durable creates, 32 connections', '/s', ({ parallel }) => parallel);
  line(`events to ${options.watchers} watches`, '/s', ({ fanOut }) => fanOut);
  line(`list of ${options.pods} pods`, 'ms', ({ listMs }) => listMs, true);
  options.report(
    `  of ${server.listMegabytes.toFixed(1)} MB; floor ${floor.listMegabytes.toFixed(1)} MB, without parsing or filtering`,
  );
  options.report(
    `memory for each of ${options.pods} pods       ${shown(server.heapBytes / options.pods)} bytes of heap, ${shown(server.rssBytes / options.pods)} resident`,
  );
}

async function measureBoth(options: ApiServerBenchOptions): Promise<{ server: Figures; floor: Figures }> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    const server = await measure('apiserver', directory, options);
    return { server, floor: await measure('floor', directory, options) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function better(a: Figures, b: Figures): Figures {
  return {
    serial: Math.max(a.serial, b.serial),
    parallel: Math.max(a.parallel, b.parallel),
    fanOut: Math.max(a.fanOut, b.fanOut),
    listMs: Math.min(a.listMs, b.listMs),
    listMegabytes: a.listMegabytes,
    heapBytes: Math.min(a.heapBytes, b.heapBytes),
    rssBytes: Math.min(a.rssBytes, b.rssBytes),
  };
}

function shown(value: number): string {
  return Math.round(value).toLocaleString('en').padStart(9);
}

async function measure(role: Role, directory: string, options: ApiServerBenchOptions): Promise<Figures> {
  const child = fork(fileURLToPath(new URL('./apiserver-process.ts', import.meta.url)), [role, directory], {
    execArgv: ['--conditions=@sluice/source', '--expose-gc'],
  });
  try {
    const { url, token } = await answerOf<{ url: string; token: string }>(child);
    const client = new Client(url, token, await readFile(join(directory, 'pki', 'ca.crt'), 'utf8'));
    const before = await memoryOf(child);
    const ms = options.seconds * 1_000;
    await creates(client, 8, 500, 'warm');
    const serial = await creates(client, 1, ms, 'serial');
    const parallel = await creates(client, 32, ms, 'parallel');
    const fanOut = await fanOutOf(client, options.watchers, ms);
    const settled = await memoryOf(child);
    await fill(client, options.pods);
    const { elapsedMs, bytes } = await bestList(client, '/api/v1/pods');
    const after = await memoryOf(child);
    client.close();
    return {
      serial,
      parallel,
      fanOut,
      listMs: elapsedMs,
      listMegabytes: bytes / 1e6,
      heapBytes: after.heapUsed - settled.heapUsed,
      rssBytes: after.rss - Math.max(before.rss, settled.rss),
    };
  } finally {
    child.kill('SIGKILL');
  }
}

/** What the process says next. */
async function answerOf<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(60_000) })) as [T];
  return message;
}

async function memoryOf(child: ChildProcess): Promise<{ heapUsed: number; rss: number }> {
  child.send('memory');
  return answerOf(child);
}

const maps = '/api/v1/namespaces/default/configmaps';

/** Creates a second over that many connections. */
async function creates(client: Client, connections: number, ms: number, name: string): Promise<number> {
  const started = performance.now();
  let count = 0;
  const writer = async (writing: number): Promise<void> => {
    for (let index = 0; performance.now() - started < ms; index++) {
      await client.post(maps, configMapOf(`${name}-${writing}-${index}`));
      count++;
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => writer(index)));
  return (count * 1_000) / (performance.now() - started);
}

/** Events a second that arrive at all watches together, while 8 connections write. */
async function fanOutOf(client: Client, watchers: number, ms: number): Promise<number> {
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
  const rate = await creates(client, 8, ms, `fan-${watchers}`);
  const wanted = Math.round((rate * (performance.now() - started)) / 1_000) * watchers;
  while (lines < wanted * 0.999 && performance.now() - started < ms * 10)
    await new Promise((wake) => setTimeout(wake, 5));
  const elapsed = performance.now() - started;
  for (const response of open) response.destroy();
  return (lines * 1_000) / elapsed;
}

async function fill(client: Client, count: number): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) await client.post('/api/v1/namespaces/default/pods', podOf(next++));
  };
  await Promise.all(Array.from({ length: 32 }, writer));
}

/** The best of five, body read to its end. */
async function bestList(client: Client, path: string): Promise<{ elapsedMs: number; bytes: number }> {
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

/** The least that speaks HTTPS over kept connections. */
class Client {
  /** The highest version in an answer so far. */
  lastVersion = 1;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: Agent;

  constructor(url: string, token: string, ca: string) {
    this.#url = url;
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    this.#agent = new Agent({ keepAlive: true, ca, maxSockets: 1_000 });
  }

  async post(path: string, body: string): Promise<void> {
    const response = await this.#send('POST', path, body);
    let text = '';
    for await (const part of response) text += String(part);
    if (response.statusCode !== 201) throw new Error(`POST ${path}: ${response.statusCode} ${text.slice(0, 300)}`);
    const version = Number(/"resourceVersion":"(\d+)"/u.exec(text)?.[1]);
    if (version > this.lastVersion) this.lastVersion = version;
  }

  get(path: string): Promise<IncomingMessage> {
    return this.#send('GET', path);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#url}${path}`, { method, agent: this.#agent, headers: this.#headers }, resolve);
      sent.once('error', reject);
      sent.end(body);
    });
  }
}
