import { startTestApiServer } from '@sluice/apiserver/testing';
import { createKubeApi } from '@sluice/kube';
import { type KubeObject, resources } from '@sluice/model';
import { applyDefinitions, createInformer, type KubeApi } from '@sluice/reconcile';
import type { HttpHandler } from '@sluice/runtime';
import { type FaultRates, type FaultSource, faultyTransport, manyFaults } from './faulty-transport.ts';
import { cardController, definitions, fleetController } from './fleet.ts';
import { History, Observer, observed } from './history.ts';
import { Instance, leaseKey } from './instance.ts';
import { type Random, seededRandom } from './random.ts';
import { type SimulatedTime, simulateTime } from './simulated-time.ts';
import { Trace } from './trace.ts';
import { changeSomething, collectGarbage, unconverged } from './users.ts';
import { type LeaseObject, WriteLog } from './write-log.ts';

export type ScenarioOptions = {
  readonly seed: number;
  readonly faults: boolean;
  /** How long users change things and faults happen. Default 10 min; then all is well for 25 min. */
  readonly stormMs?: number;
  /** For the test of this suite: every process works, elected or not. */
  readonly withoutElection?: boolean;
  /** Called each simulated minute of the storm. Given, nothing that grows is written down. */
  readonly onMinute?: (minute: number) => void;
};

export type ScenarioResult = {
  /** Objects or statuses that are not as they should be. */
  readonly unconverged: readonly string[];
  /** Writes of a process that did not hold the lease when they arrived. */
  readonly offences: readonly string[];
  /** What an informer missed or made up. */
  readonly missed: readonly string[];
  /** How often the lease changed hands. */
  readonly transitions: number;
  /** Requests of the instances, without those for the lease. */
  readonly requests: number;
  readonly writes: number;
  readonly changes: number;
  readonly faults: ReadonlyMap<string, number>;
  /** Digest of every request with its time and end: two runs of a seed have the same. */
  readonly trace: string;
};

/** Longer than the longest time that a watch without a word is believed. */
const mostCalmMs = 25 * 60_000;
const maxDelayMs = 3_000;
/** What the server keeps on disk; the store of this suite is in memory. */
const loggedChanges = 4_000;
const maxMissed = 5;

/** Play one seed. Two runs of a seed do the same. Only one at a time in a Node process: it takes over the clocks. */
export async function playScenario(options: ScenarioOptions): Promise<ScenarioResult> {
  const random = seededRandom(options.seed);
  const { next: jitter } = random.fork('jitter');
  const history = { changes: 300, characters: 4_000_000 };
  const server = await startTestApiServer({ history, newId: newIds(random.fork('ids')) });
  const time = simulateTime(jitter);
  try {
    return await new Play(options, server.handle, time, random).run();
  } finally {
    time.restore();
    await server.close();
  }
}

/** As many changes as the server keeps: from then on its own memory stays as it is. */
async function fillHistory(users: KubeApi): Promise<void> {
  const metadata = { name: 'filler', namespace: 'kube-system' };
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  for (let at = 0; at < loggedChanges; at++) {
    await users.apply(resources.configMaps, { ...map, data: { at: String(at) } } as KubeObject, {
      fieldManager: 'filler',
    });
  }
}

/** Ids in the form of UUIDs. */
function newIds(random: Random): () => string {
  const digits = (count: number): string =>
    Array.from({ length: count }, () => random.between(0, 15).toString(16)).join('');
  return () => `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
}

class Play {
  readonly #options: ScenarioOptions;
  readonly #handle: HttpHandler;
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #users: KubeApi;
  readonly #trace = new Trace();
  readonly #counts = new Map<string, number>();
  #rates: FaultRates | undefined;

  constructor(options: ScenarioOptions, handle: HttpHandler, time: SimulatedTime, random: Random) {
    this.#options = options;
    this.#handle = handle;
    this.#time = time;
    this.#random = random;
    this.#users = createKubeApi({ transport: handle, fieldManager: 'users' });
  }

  async run(): Promise<ScenarioResult> {
    const users = this.#users;
    await this.#until(applyDefinitions(users, definitions, { fieldManager: 'users' }));
    if (this.#options.onMinute) await this.#until(fillHistory(users));
    if (this.#options.faults) this.#rates = manyFaults;
    const writes = new WriteLog(users, leaseKey);
    const history = this.#options.onMinute ? undefined : new History(users, observed);
    const observer = history && this.#observe();
    const instances = ['one', 'two'].map((name) => this.#instance(name, writes));
    for (const instance of instances) instance.start();
    const changes = await this.#storm(instances);
    this.#rates = undefined;
    // Two owners may fight for ever.
    const calmMs = this.#options.withoutElection ? 0 : mostCalmMs;
    for (const endMs = this.#time.now() + calmMs; this.#time.now() < endMs; await this.#time.advance(10_000)) {
      await this.#until(collectGarbage(users));
    }
    const lease = await this.#until(users.get<LeaseObject>(resources.leases, leaseKey));
    const result = {
      unconverged: await this.#until(unconverged(users)),
      offences: await this.#until(writes.offences()),
      missed: observer ? history.compare(observer).slice(0, maxMissed) : [],
      transitions: lease?.spec?.leaseTransitions ?? 0,
      requests: instances.reduce((sum, instance) => sum + instance.requests, 0),
      writes: writes.count,
      changes,
      faults: this.#counts,
    };
    const parts = [...instances, ...(history ? [history] : []), ...(observer ? [observer] : [])];
    await this.#until(Promise.all(parts.map((part) => part.close())));
    return { ...result, trace: this.#trace.summary() };
  }

  /** Let time pass until a promise has settled. */
  async #until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const watched = promise.finally(() => (settled = true));
    watched.catch(() => {});
    for (let step = 0; !settled; step++) {
      if (step > 6_000) throw new Error('what should have ended in ten minutes has not');
      await this.#time.advance(step === 0 ? 0 : 100);
    }
    return watched;
  }

  #faultsOf(name: string): FaultSource {
    return {
      random: this.#random.fork(name),
      latencyMs: [1, 10],
      maxDelayMs,
      rates: () => this.#rates,
      counts: this.#counts,
    };
  }

  #instance(name: string, writes: WriteLog): Instance {
    return new Instance({
      name,
      time: this.#time,
      trace: this.#trace,
      handle: this.#handle,
      faults: this.#faultsOf(name),
      controllers: [fleetController(60_000), cardController],
      onWrite: (write) => writes.note(write),
      elected: !this.#options.withoutElection,
    });
  }

  #observe(): Observer {
    const network = faultyTransport(this.#handle, this.#faultsOf('observer'));
    return new Observer((transport) => createInformer(createKubeApi({ transport }), { resource: observed }), network);
  }

  /** Users change things; processes are paused now and then. Returns the number of changes. */
  async #storm(instances: readonly Instance[]): Promise<number> {
    const { stormMs = 600_000, faults, onMinute } = this.#options;
    const random = this.#random.fork('users');
    // Of their own, so that users do the same with and without pauses.
    const pauses = this.#random.fork('pauses');
    let paused: { readonly instance: Instance; readonly untilMs: number } | undefined;
    let changes = 0;
    let minute = 0;
    for (const endMs = this.#time.now() + stormMs; this.#time.now() < endMs; changes++) {
      await this.#time.advance(random.between(200, 6_000));
      await this.#until(changeSomething(this.#users, random));
      await this.#until(collectGarbage(this.#users));
      if (paused && paused.untilMs <= this.#time.now()) {
        paused.instance.resume();
        paused = undefined;
      } else if (faults && !paused && pauses.chance(0.03)) {
        paused = { instance: pauses.pick(instances), untilMs: this.#time.now() + pauses.between(3_000, 40_000) };
        paused.instance.pause(pauses.chance(0.5) ? 'stopped' : 'asleep');
      }
      const now = Math.floor(this.#time.now() / 60_000);
      if (now > minute) onMinute?.((minute = now));
    }
    paused?.instance.resume();
    return changes;
  }
}
