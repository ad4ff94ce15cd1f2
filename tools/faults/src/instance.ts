import { createKubeApi } from '@sluice/kube';
import { type OperatorController, startOperator } from '@sluice/reconcile';
import { type HttpHandler, type HttpRequest, type HttpResponse, type Running, silentLog } from '@sluice/runtime';
import { type FaultSource, faultyTransport } from './faulty-transport.ts';
import type { SimulatedProcess, SimulatedTime } from './simulated-time.ts';
import type { Trace } from './trace.ts';

/** A write as it reaches the server. */
export type ArrivedWrite = { readonly instance: string; readonly atMs: number; readonly path: string };

export type InstanceOptions = {
  readonly name: string;
  readonly time: SimulatedTime;
  readonly trace: Trace;
  /** The server itself. */
  readonly handle: HttpHandler;
  readonly faults: FaultSource;
  readonly controllers: readonly OperatorController[];
  readonly onWrite: (write: ArrivedWrite) => void;
  readonly elected: boolean;
};

/** The lease that the instances compete for. */
export const leaseKey = { namespace: 'default', name: 'operator' };

/** A simulated process that runs an operator behind a faulty network. */
export class Instance {
  readonly name: string;
  /** Requests sent, those for the lease apart. */
  requests = 0;
  readonly #options: InstanceOptions;
  readonly #process: SimulatedProcess;
  readonly #network: HttpHandler;
  readonly #stop = new AbortController();
  #running: Promise<Running> | undefined;

  constructor(options: InstanceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#process = options.time.process();
    this.#network = faultyTransport((request) => this.#arrive(request), options.faults);
  }

  start(): void {
    const { name, controllers, elected } = this.#options;
    const kube = createKubeApi({ transport: (request) => this.#send(request), fieldManager: name });
    const leaderElection = { lease: leaseKey, identity: name };
    const common = { name: 'operator', kube, log: silentLog, controllers, informers: { pageSize: 5 } };
    this.#running = this.#process.run(() =>
      startOperator({ ...common, ...(elected && { leaderElection }) }, this.#stop.signal),
    );
    this.#running.catch(() => {});
  }

  pause(how: 'stopped' | 'asleep'): void {
    this.#process.pause(how);
  }

  resume(): void {
    this.#process.resume();
  }

  /** Stop as on SIGTERM. One that has not started yet gives up. */
  async close(): Promise<void> {
    this.resume();
    this.#stop.abort(new Error('the run is over'));
    const running = await this.#running?.catch(() => undefined);
    await this.#process.run(() => running?.close());
  }

  async #send(request: HttpRequest): Promise<HttpResponse> {
    const { time } = this.#options;
    if (!request.path.includes('/leases')) this.requests++;
    try {
      const answer = await this.#arrived(time.outside(() => this.#network(request)));
      this.#note(request, String(answer.status));
      const { body } = answer;
      if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return answer;
      return { ...answer, body: this.#arriving(body) };
    } catch (error) {
      this.#note(request, String(error));
      throw error;
    }
  }

  /** What has come from outside, or failed there, once the process is awake to see it. */
  async #arrived<T>(coming: Promise<T>): Promise<T> {
    try {
      return await coming;
    } finally {
      await this.#process.awake();
    }
  }

  #note({ method, path }: HttpRequest, end: string): void {
    const { time, trace, name } = this.#options;
    trace.add(`${time.now()} ${name} ${method} ${path} ${end}`);
  }

  /** Chunks as a process sees them that may be paused when they come. */
  async *#arriving(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { time } = this.#options;
    const chunks = time.outside(() => body[Symbol.asyncIterator]());
    try {
      for (;;) {
        const next = await this.#arrived(time.outside(() => chunks.next()));
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await time.outside(() => chunks.return?.());
    }
  }

  #arrive(request: HttpRequest): Promise<HttpResponse> {
    const { name, handle, onWrite, time } = this.#options;
    if (request.method !== 'GET' && !/\/(?:leases|events)/.test(request.path)) {
      onWrite({ instance: name, atMs: time.now(), path: request.path });
    }
    return handle(request);
  }
}
