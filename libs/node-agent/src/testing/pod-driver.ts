import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyOf, resources } from '@sluice/model';
import type { FakeKube } from '@sluice/reconcile/testing';
import { silentLog } from '@sluice/runtime';
import { startNodeAgent } from '../agent.ts';
import type { NodeAgent, NodeAgentOptions } from '../agent-options.ts';
import type { PodLogOptions } from '../pod-logs.ts';
import type { Pod, PodStatus } from '../pod/pod-spec.ts';
import { FakeImages } from './fake-images.ts';
import { gracefulFinalizer, gracefulKube } from './graceful-kube.ts';
import type { PodBuilder } from './pod-builder.ts';

/** Runs a node agent over a fake API for tests, and waits for what pods become. */
export class PodDriver {
  readonly kube: FakeKube;
  readonly images = new FakeImages();
  readonly directory = mkdtempSync(join(tmpdir(), 'node-agent-'));
  readonly #options: Partial<NodeAgentOptions>;
  agent: NodeAgent | undefined;

  constructor(kube: FakeKube, options: Partial<NodeAgentOptions> = {}) {
    this.kube = kube;
    this.#options = options;
  }

  async start(change: Partial<NodeAgentOptions> = {}): Promise<NodeAgent> {
    const { directory, images } = this;
    const kube = gracefulKube(this.kube);
    const tools = { pathDirectories: [], readOnlyPaths: [] };
    const base = { kube, directory, images, tools, log: silentLog, runtime: 'auto', closeGraceMs: 200 } as const;
    this.agent = await startNodeAgent({ ...base, ...this.#options, ...change });
    return this.agent;
  }

  async stop(): Promise<void> {
    await this.agent?.close();
    this.agent = undefined;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Create a pod. */
  create(builder: PodBuilder): Pod {
    return this.kube.put(resources.pods, builder.build());
  }

  /** Create a pod and wait for its last phase. */
  async run(builder: PodBuilder): Promise<Pod> {
    return this.until(this.create(builder), ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
  }

  /** Wait until the status of the pod is as wanted. */
  until(pod: Pod, wanted: (status: PodStatus, pod: Pod) => boolean, timeoutMs = 15_000): Promise<Pod> {
    return this.#watch(pod, (now) => now !== undefined && wanted(now.status ?? {}, now), timeoutMs) as Promise<Pod>;
  }

  /** Wait until the object is gone. */
  async gone(pod: Pod, timeoutMs = 15_000): Promise<void> {
    await this.#watch(pod, (now) => now === undefined, timeoutMs);
  }

  /** What a graceful deletion by the API server looks like. */
  delete(pod: Pod, graceSeconds = 5): void {
    const now = this.kube.object<Pod>(resources.pods, keyOf(pod));
    const deletion = {
      deletionTimestamp: new Date().toISOString(),
      deletionGracePeriodSeconds: graceSeconds,
      finalizers: [gracefulFinalizer],
    };
    this.kube.put(resources.pods, { ...now, metadata: { ...now.metadata, ...deletion } });
  }

  /** The whole log as text. */
  async logs(pod: Pod, options: PodLogOptions = {}): Promise<string> {
    if (!this.agent) throw new Error('the agent does not run');
    const parts: Uint8Array[] = [];
    for await (const chunk of this.agent.podLogs(keyOf(pod), options)) parts.push(chunk);
    return Buffer.concat(parts).toString();
  }

  async #watch(pod: Pod, found: (now: Pod | undefined) => boolean, timeoutMs: number): Promise<Pod | undefined> {
    const key = keyOf(pod);
    const stop = new AbortController();
    const cut = setTimeout(() => stop.abort(), timeoutMs);
    const look = (): Pod | undefined =>
      this.kube.objects<Pod>(resources.pods).find(({ metadata }) => metadata.uid === pod.metadata.uid);
    try {
      const { namespace = 'default' } = key;
      const events = this.kube.watch<Pod>(resources.pods, { namespace, sendInitialEvents: true, signal: stop.signal });
      for await (const _ of events) if (found(look())) return look();
      throw new Error(`pod ${key.name}: not as wanted after ${timeoutMs} ms: ${JSON.stringify(look()?.status)}`);
    } finally {
      clearTimeout(cut);
      stop.abort();
    }
  }
}
