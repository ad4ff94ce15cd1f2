import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startTestApiServer } from '@sluice/apiserver/testing';
import { createKubeApi, httpTransport } from '@sluice/kube';
import { resources } from '@sluice/model';
import { applyDefinitions, createInformer, type KubeApi } from '@sluice/reconcile';
import { Closers, type HttpHandler, readBody, serveHttp } from '@sluice/runtime';
import { type FaultSource, faultyTransport, manyFaults } from '../faulty-transport.ts';
import { definitions } from '../fleet.ts';
import { History, Observer, observed } from '../history.ts';
import { type Random, seededRandom } from '../random.ts';
import { changeSomething, collectGarbage, unconverged } from '../users.ts';
import { type LeaseObject, WriteLog } from '../write-log.ts';
import { startChaosProxy } from './chaos-proxy.ts';

export type SocketOptions = {
  readonly seed: number;
  /** How long users change things and connections break. */
  readonly stormMs: number;
};

export type SocketResult = {
  readonly problems: readonly string[];
  readonly writes: number;
  readonly transitions: number;
  readonly pauses: number;
  readonly faults: ReadonlyMap<string, number>;
};

const leaseKey = { namespace: 'default', name: 'operator' };
const calmLimitMs = 30_000;
const settledMs = 1_000;

/**
 * Two operators as processes of their own, stopped now and then by SIGSTOP, reach the API server's TLS port through a proxy that
 * breaks HTTP and one before it that breaks TCP. Real sockets, real clocks: not repeatable, and bounded in time.
 */
export async function playSockets({ seed, stormMs }: SocketOptions): Promise<SocketResult> {
  const closers = new Closers();
  try {
    return await new SocketPlay(seededRandom(seed), closers).run(stormMs);
  } finally {
    await closers.close();
  }
}

class SocketPlay {
  readonly #random: Random;
  readonly #closers: Closers;
  readonly #counts = new Map<string, number>();
  #storm = true;

  constructor(random: Random, closers: Closers) {
    this.#random = random;
    this.#closers = closers;
  }

  async run(stormMs: number): Promise<SocketResult> {
    const server = await startTestApiServer();
    this.#closers.add(() => server.close());
    const users = createKubeApi({ transport: server.handle, fieldManager: 'users' });
    await applyDefinitions(users, definitions, { fieldManager: 'users' });
    const history = new History(users, observed);
    this.#closers.add(() => history.close());
    const upstream = httpTransport({ server: server.url, ca: server.ca, token: server.token });
    this.#closers.add(() => upstream.close());
    const writes = new WriteLog(users, leaseKey);
    const observer = await this.#observe(upstream);
    const children = await Promise.all(['one', 'two'].map((name) => this.#start(name, upstream, writes)));
    const pauses = await this.#play(users, children, stormMs);
    this.#storm = false;
    const left = await converged(users, () => history.compare(observer));
    const lease = await users.get<LeaseObject>(resources.leases, leaseKey);
    return {
      problems: [...left, ...(await writes.offences())],
      writes: writes.count,
      transitions: lease?.spec?.leaseTransitions ?? 0,
      pauses,
      faults: this.#counts,
    };
  }

  /** Address behind both proxies. */
  async #chain(name: string, upstream: HttpHandler, onWrite: (path: string) => void): Promise<string> {
    const faults: FaultSource = {
      random: this.#random.fork(`http ${name}`),
      latencyMs: [0, 1],
      maxDelayMs: 100,
      // Silence that never ends is the simulation's: here the proxy before this one does it, for seconds.
      rates: () => (this.#storm ? { ...manyFaults, silenceWatch: 0 } : undefined),
      counts: this.#counts,
    };
    const faulty = faultyTransport((request) => {
      if (request.method !== 'GET' && !/\/(?:leases|events)/.test(request.path)) onWrite(request.path);
      return upstream(request);
    }, faults);
    // What the network loses is lost for the client too: the connection breaks.
    const proxy = await serveHttp(async (request) => faulty(await buffered(request)), { host: '127.0.0.1', port: 0 });
    this.#closers.add(() => proxy.close(0));
    const chaos = await startChaosProxy({
      target: proxy.port,
      random: this.#random.fork(`tcp ${name}`),
      active: () => this.#storm,
      counts: this.#counts,
    });
    this.#closers.add(() => chaos.close());
    return `http://127.0.0.1:${chaos.port}`;
  }

  async #observe(upstream: HttpHandler): Promise<Observer> {
    const transport = httpTransport({ server: await this.#chain('observer', upstream, () => {}) });
    this.#closers.add(() => transport.close());
    const open = (network: HttpHandler) =>
      createInformer(createKubeApi({ transport: network, timeoutMs: 1_500 }), {
        resource: observed,
        maxBackoffMs: 1_000,
      });
    const observer = new Observer(open, transport);
    this.#closers.add(() => observer.close());
    return observer;
  }

  async #start(name: string, upstream: HttpHandler, writes: WriteLog): Promise<ChildProcess> {
    const note = (path: string): void => writes.note({ instance: name, atMs: Math.round(performance.now()), path });
    const url = await this.#chain(name, upstream, note);
    const child = fork(fileURLToPath(new URL('./instance-process.ts', import.meta.url)), [name, url]);
    this.#closers.add(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    });
    return child;
  }

  /** Users change things, and every few seconds a process stands still for longer than its lease. */
  async #play(users: KubeApi, children: readonly ChildProcess[], stormMs: number): Promise<number> {
    const random = this.#random.fork('users');
    let pauses = 0;
    let paused: { readonly child: ChildProcess; readonly untilMs: number } | undefined;
    let nextPauseMs = performance.now();
    for (const endMs = performance.now() + stormMs; performance.now() < endMs;) {
      await sleep(random.between(20, 250));
      await changeSomething(users, random);
      await collectGarbage(users);
      const nowMs = performance.now();
      if (paused && paused.untilMs <= nowMs) {
        paused.child.kill('SIGCONT');
        paused = undefined;
        nextPauseMs = nowMs + 1_000;
      } else if (!paused && nextPauseMs <= nowMs) {
        const lease = await users.get<LeaseObject>(resources.leases, leaseKey);
        const holder = lease?.spec?.holderIdentity;
        const child = holder ? children[holder === 'two' ? 1 : 0] : undefined;
        if (!child) continue;
        child.kill('SIGSTOP');
        pauses++;
        paused = { child, untilMs: nowMs + 5_500 };
      }
    }
    paused?.child.kill('SIGCONT');
    return pauses;
  }
}

/** The request with its body read, so that it can be sent twice. */
async function buffered(request: Parameters<HttpHandler>[0]): Promise<Parameters<HttpHandler>[0]> {
  const { body } = request;
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return request;
  const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, ...headers } = request.headers;
  return { ...request, headers, body: await readBody(body, 1 << 20) };
}

/** What is still wrong when all has been well for a while. */
async function converged(users: KubeApi, compare: () => readonly string[]): Promise<readonly string[]> {
  let wellSinceMs: number | undefined;
  let problems: readonly string[] = [];
  for (const endMs = performance.now() + calmLimitMs; performance.now() < endMs; await sleep(100)) {
    await collectGarbage(users);
    problems = [...(await unconverged(users)), ...compare().slice(0, 5)];
    if (problems.length > 0) wellSinceMs = undefined;
    else if (performance.now() - (wellSinceMs ??= performance.now()) > settledMs) return [];
  }
  return problems.length > 0 ? problems : ['things did not stay as they should'];
}
