import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keyText, type KubeObject, type ObjectKey, resources } from '@sluice/model';
import { type CacheEvent, createInformerSet, type Informer, type InformerSet } from '@sluice/reconcile';
import { Closers } from '@sluice/runtime';
import type { NodeAgent, NodeAgentOptions } from './agent-options.ts';
import { chooseRuntime } from './choose-runtime.ts';
import type { Service } from './container/service-variables.ts';
import { startImageSweep } from './image/image-sweep.ts';
import { type Claim, ClaimDirectories } from './node/claims.ts';
import { createNodeEvents } from './node/event-recorder.ts';
import { HostsFiles } from './node/hosts-files.ts';
import { endEarlierLife } from './node/leftovers.ts';
import { buildNode, ensureNode } from './node/node-object.ts';
import { createPodPorts } from './node/node-ports.ts';
import { recoverPod } from './node/recover-pod.ts';
import { readPodLog } from './pod-logs.ts';
import { podSessions } from './pod-sessions.ts';
import type { PodPorts } from './pod/pod-ports.ts';
import { isFinished, type Pod } from './pod/pod-spec.ts';
import { newPodState, type PodState } from './pod/pod-state.ts';
import { PodWorker } from './pod/pod-worker.ts';
import { type EndpointSlice, headlessLabel } from './proxy/endpoint-table.ts';

const hostIp = '127.0.0.1';

/** Run the pods that are bound to this node, until closed. Resolves once pods of an earlier life have been dealt with. */
export async function startNodeAgent(options: NodeAgentOptions): Promise<NodeAgent> {
  const { kube, directory, log, now = Date.now, nodeName = 'local' } = options;
  const closers = new Closers();
  const podsDirectory = join(directory, 'pods');
  mkdirSync(podsDirectory, { recursive: true });
  const { runtime, images, reason, limits } = await chooseRuntime(options, podsDirectory);
  closers.add(() => runtime.close?.());
  const earlier = endEarlierLife(podsDirectory);

  const informers = options.informers ?? createInformerSet(kube, { log });
  if (!options.informers) closers.add(() => informers.close());
  const caches = cachesOf(informers, nodeName);
  const claims = new ClaimDirectories(join(directory, 'volumes'), caches.claims, kube, log);
  const hosts = new HostsFiles(join(directory, 'hosts'), () => ({
    services: caches.services.list(),
    slices: caches.headless.list(),
  }));
  const events = createNodeEvents(kube, log, now);
  closers.add(() => events.close());
  for (const informer of Object.values(caches)) informer.start();
  await Promise.all(Object.values(caches).map((informer) => informer.synced()));
  await ensureNode(kube, buildNode({ name: nodeName, runtime: runtime.kind, reason, limits, hostIp, now: now() }));

  const ports = await createPodPorts({
    options,
    runtime,
    images,
    podsDirectory,
    hostIp,
    events,
    claims,
    hosts,
    services: caches.services,
  });
  const sweep = startImageSweep(images, caches.pods, log, now);
  closers.add(() => sweep.close());
  const workers = new Workers(ports, earlier);
  closers.add(() => workers.close(options.closeGraceMs ?? 2_000));
  await sweepPods(podsDirectory, earlier, caches.pods);
  claims.sweep().catch((error: unknown) => log.warn('old volumes not removed', { error }));
  closers.add(caches.pods.subscribe((event) => workers.on(event)));
  closers.add(caches.configMaps.subscribe((event) => workers.contentChanged('configMap', event.object)));
  closers.add(caches.secrets.subscribe((event) => workers.contentChanged('secret', event.object)));
  closers.add(caches.services.subscribe(() => hosts.refresh()));
  closers.add(caches.headless.subscribe(() => hosts.refresh()));
  closers.add(
    caches.claims.subscribe((event) => {
      if (event.type !== 'deleted') workers.retryNamespace(event.object.metadata.namespace);
      else claims.remove(event.object).catch((error: unknown) => log.warn('volume not removed', { error }));
    }),
  );
  log.info('node agent runs pods', { runtime: runtime.kind, reason, limits });
  return {
    runtime: runtime.kind,
    reason,
    podLogs: (key, wanted) => readPodLog(workers.byKey(key), key, wanted, now),
    sessions: podSessions((key) => workers.byKey(key)),
    close: () => closers.close(),
  };
}

function cachesOf(informers: InformerSet, nodeName: string) {
  return {
    pods: informers.informer<Pod>(resources.pods, { fieldSelector: `spec.nodeName=${nodeName}` }),
    services: informers.informer<Service>(resources.services),
    claims: informers.informer<Claim>(resources.persistentVolumeClaims),
    configMaps: informers.informer(resources.configMaps, { metadataOnly: true }),
    headless: informers.informer<EndpointSlice>(resources.endpointSlices, { labelSelector: headlessLabel }),
    secrets: informers.informer(resources.secrets, { metadataOnly: true }),
  };
}

/** Directories of pods whose object is gone. */
async function sweepPods(
  podsDirectory: string,
  earlier: ReadonlyMap<string, PodState | undefined>,
  pods: Informer<Pod>,
): Promise<void> {
  const known = new Set(pods.list().map(({ metadata }) => metadata.uid));
  for (const uid of earlier.keys()) {
    if (!known.has(uid)) await rm(join(podsDirectory, uid), { recursive: true, force: true, maxRetries: 3 });
  }
}

/** One worker a pod object, by uid. */
class Workers {
  readonly #ports: PodPorts;
  readonly #earlier: Map<string, PodState | undefined>;
  readonly #byUid = new Map<string, PodWorker>();
  readonly #byKey = new Map<string, PodWorker>();
  readonly #leaving = new Set<Promise<void>>();
  #closed = false;

  constructor(ports: PodPorts, earlier: ReadonlyMap<string, PodState | undefined>) {
    this.#ports = ports;
    this.#earlier = new Map(earlier);
  }

  byKey(key: ObjectKey): PodWorker | undefined {
    return this.#byKey.get(keyText(key));
  }

  on(event: CacheEvent<Pod>): void {
    if (this.#closed) return;
    const pod = event.object;
    const uid = pod.metadata.uid ?? '';
    if (event.type === 'deleted') return this.#remove(uid);
    const initial = event.type === 'added' && event.initial;
    const worker = this.#byUid.get(uid) ?? this.#add(uid, pod, initial);
    worker.update(pod);
  }

  retryNamespace(namespace: string | undefined): void {
    for (const worker of this.#byUid.values()) if (worker.key.namespace === namespace) worker.retry();
  }

  contentChanged(kind: 'configMap' | 'secret', { metadata }: KubeObject): void {
    for (const worker of this.#byUid.values()) {
      if (worker.key.namespace === metadata.namespace) worker.contentChanged(kind, metadata.name);
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#byUid.values()].map((worker) => worker.close(graceMs)));
    await Promise.all(this.#leaving);
  }

  #add(uid: string, pod: Pod, initial: boolean): PodWorker {
    const worker = new PodWorker(pod, this.#stateOf(uid, pod, initial), this.#ports);
    this.#byUid.set(uid, worker);
    this.#byKey.set(keyText(worker.key), worker);
    return worker;
  }

  /** A pod that was there when the agent started may have run in an earlier life. */
  #stateOf(uid: string, pod: Pod, initial: boolean): PodState {
    if (!initial && !this.#earlier.has(uid)) return newPodState;
    if (isFinished(pod.status)) return newPodState;
    const kept = this.#earlier.get(uid);
    this.#earlier.delete(uid);
    return recoverPod(pod, kept, this.#ports.now());
  }

  #remove(uid: string): void {
    const worker = this.#byUid.get(uid);
    if (!worker) return;
    this.#byUid.delete(uid);
    const key = keyText(worker.key);
    if (this.#byKey.get(key) === worker) this.#byKey.delete(key);
    const leaving = worker
      .remove()
      .catch((error: unknown) => this.#ports.log.warn('pod directory not removed', { uid, error }))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
