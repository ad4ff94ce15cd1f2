import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { createKubeApi } from '@sluice/kube';
import { customResourceDefinitions, type KubeObject, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { Closers, silentLog } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';
import type { Workflow } from '@sluice/workflow';
import { defaultConfig, start } from '@sluice/workflow-controller';

/** What the controller asked of the API while it was counted. */
export type Counted = { requests: number; statusWrites: number; largestWrite: number };

/** The embedded API server in memory, a node that ends every pod as soon as it sees it, and the controller. */
export type Stage = {
  readonly kube: KubeApi;
  readonly counted: Counted;
  /** When the node ended each pod, by name. */
  readonly ended: Map<string, number>;
  close(): Promise<void>;
};

export async function startStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const closers = new Closers();
  closers.add(async () => rmSync(directory, { recursive: true, force: true }));
  const options = { host: '127.0.0.1', port: 0, directory, log: silentLog, now: Date.now };
  const server = await startApiServer({ store: memoryStore(), ...options });
  closers.add(() => server.close());
  const kube = createKubeApi({ transport: server.handle });
  for (const definition of customResourceDefinitions())
    await kube.apply(resources.customResourceDefinitions, definition, { fieldManager: 'bench' });
  const counted: Counted = { requests: 0, statusWrites: 0, largestWrite: 0 };
  const stop = new AbortController();
  const ended = new Map<string, number>();
  const node = endPods(kube, ended, stop.signal);
  const controller = await start(defaultConfig, {
    kube: counting(kube, counted),
    log: silentLog,
  });
  closers.add(() => controller.close());
  closers.add(async () => {
    stop.abort();
    await node;
  });
  return { kube, counted, ended, close: () => closers.close() };
}

function counting(kube: KubeApi, counted: Counted): KubeApi {
  return {
    get: (...args) => kube.get(...args),
    list: (...args) => kube.list(...args),
    watch: (...args) => kube.watch(...args),
    logs: (...args) => kube.logs(...args),
    replace: (...args) => kube.replace(...args),
    apply: (...args) => kube.apply(...args),
    create(resource, object, options) {
      if (resource.kind !== 'Event') counted.requests++;
      return kube.create(resource, object, options);
    },
    delete(resource, key, options) {
      counted.requests++;
      return kube.delete(resource, key, options);
    },
    patch(resource, key, patch, options) {
      if (resource.kind === 'Workflow') {
        counted.requests++;
        counted.statusWrites++;
        counted.largestWrite = Math.max(counted.largestWrite, JSON.stringify(patch.body).length);
      }
      return kube.patch(resource, key, patch, options);
    },
  };
}

/** A node without processes: one write, and the pod has succeeded. */
async function endPods(kube: KubeApi, ended: Map<string, number>, signal: AbortSignal): Promise<void> {
  const end = async ({ metadata }: KubeObject): Promise<void> => {
    const key = { namespace: metadata.namespace ?? '', name: metadata.name };
    const terminated = { exitCode: 0, reason: 'Completed', finishedAt: new Date().toISOString() };
    const status = { phase: 'Succeeded', containerStatuses: [{ name: 'main', ready: false, state: { terminated } }] };
    await kube.patch(resources.pods, key, { type: 'merge', body: { status } }, { subresource: 'status' });
    ended.set(metadata.name, performance.now());
  };
  try {
    for await (const event of kube.watch(resources.pods, { sendInitialEvents: true, signal }))
      if (event.type === 'ADDED') void end(event.object).catch(() => undefined);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Run a workflow to its end. */
export async function runWorkflow(stage: Stage, name: string, spec: Workflow['spec']): Promise<Workflow> {
  const signal = AbortSignal.timeout(300_000);
  const { kube } = stage;
  const watching = kube.watch<Workflow>(resources.workflows, {
    namespace: 'default',
    fieldSelector: `metadata.name=${name}`,
    sendInitialEvents: true,
    signal,
  });
  await kube.create(resources.workflows, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name, namespace: 'default' },
    spec: spec ?? {},
  });
  for await (const event of watching) {
    if (event.type === 'BOOKMARK') continue;
    if (event.object.metadata.labels?.['workflows.argoproj.io/completed'] === 'true') return event.object;
  }
  throw new Error(`the watch of ${name} ended first`);
}

/** The floor: create pods, wait until each has succeeded, delete them; so many at a time. */
export async function runPods({ kube }: Stage, prefix: string, count: number, atOnce: number): Promise<void> {
  const stop = new AbortController();
  const waiting = new Map<string, () => void>();
  const watching = kube.watch(resources.pods, { namespace: 'default', sendInitialEvents: true, signal: stop.signal });
  const seen = (async () => {
    for await (const event of watching) {
      if (event.type === 'BOOKMARK') continue;
      const { phase } = (event.object.status ?? {}) as { readonly phase?: string };
      if (phase === 'Succeeded') waiting.get(event.object.metadata.name)?.();
    }
  })().catch(() => undefined);
  const queue = Array.from({ length: count }, (_, index) => `${prefix}-${index}`).values();
  const worker = async (): Promise<void> => {
    for (const name of queue) {
      const succeeded = new Promise<void>((resolve) => waiting.set(name, resolve));
      await kube.create(resources.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'tools', command: ['true'] }] },
      });
      await succeeded;
      await kube.delete(resources.pods, { namespace: 'default', name });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  stop.abort();
  await seen;
}
