import { join } from 'node:path';
import { type KubeObject, type Resource, resources } from '@sluice/model';
import type { Informer, KubeApi } from '@sluice/reconcile';
import type { NodeAgentOptions } from '../agent-options.ts';
import { secretReader } from '../container/artifacts.ts';
import { ConfigError } from '../container/downward.ts';
import type { KeyedData, ReadKeyed } from '../container/environment.ts';
import { FifoPool } from '../container/fifo-pool.ts';
import type { ContainerRuntime } from '../container/runtime.ts';
import type { Service } from '../container/service-variables.ts';
import type { Images } from '../image/image-store.ts';
import { EndedLogs } from '../log/ended-logs.ts';
import type { PodPorts } from '../pod/pod-ports.ts';
import type { Container, Pod } from '../pod/pod-spec.ts';
import { defaultBackoff } from '../pod/restart-backoff.ts';
import { defaultDelays } from '../pod/status-delay.ts';
import type { IssuedToken } from '../volume/pod-volumes.ts';
import type { TokenRequest } from '../volume/volume-content.ts';
import { PodAddresses } from './addresses.ts';
import type { ClaimDirectories } from './claims.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { HostsFiles } from './hosts-files.ts';
import { killMarked } from './leftovers.ts';
import { TurnQueue } from './turn-queue.ts';

export type NodeParts = {
  readonly options: NodeAgentOptions;
  readonly runtime: ContainerRuntime;
  readonly images: Images;
  readonly podsDirectory: string;
  readonly hostIp: string;
  readonly events: EventRecorder;
  readonly claims: ClaimDirectories;
  readonly hosts: HostsFiles;
  readonly services: Informer<Service>;
};

/** Join the parts of the node into what a pod worker needs. */
export async function createPodPorts(parts: NodeParts): Promise<PodPorts> {
  const { options, runtime, images, podsDirectory, hostIp, events, claims, hosts, services } = parts;
  const { kube, directory, log, now = Date.now, nodeName = 'local' } = options;
  const fifos = new FifoPool(join(directory, 'pipes'));
  await fifos.warm();
  const turns = new TurnQueue();
  const endedLogs = new EndedLogs(join(directory, 'logs'), now);
  endedLogs.sweep().catch((error: unknown) => log.warn('old logs not removed', { error }));
  const nodeOf = (podIp: string) => ({ nodeName, hostIp, podIp });
  // What runs in images finds there what it needs; the tools of the host are not to be seen.
  const given =
    runtime.kind === 'containerd'
      ? { tools: { pathDirectories: [], readOnlyPaths: [] }, environment: {} }
      : { tools: options.tools, environment: options.environment ?? {} };
  const isProcess = runtime.kind === 'process';
  return {
    kube,
    log,
    now,
    hostIp,
    podsDirectory,
    events,
    backoff: options.backoff ?? defaultBackoff,
    delays: options.delays ?? defaultDelays,
    addresses: new PodAddresses(options.podNetwork ?? '127.64'),
    endedLogs,
    tellImage: imageTeller(events, runtime, options, now),
    isServing: (pod) => services.list(pod.metadata.namespace).some((service) => selects(service, pod)),
    killEscaped: isProcess ? batchedKill() : () => {},
    volumePorts: (pod, podDirectory, podIp) => ({
      node: nodeOf(podIp),
      read: reader(kube, pod),
      requestToken: (request) => requestToken(kube, pod, request),
      directory: join(podDirectory, 'volumes'),
      claimDirectory: (name) => claims.pathOf({ namespace: pod.metadata.namespace ?? 'default', name }),
      allowHostPath: options.allowHostPath ?? false,
    }),
    taskPorts: (pod, podDirectory) => ({
      tasks: options.tasks,
      context: {
        requestToken: async () => (await requestToken(kube, pod, {})).token,
        secret: secretReader(reader(kube, pod)),
      },
      directory: podDirectory,
      now,
    }),
    runPorts: (pod, podDirectory, podIp, volumes) => ({
      runtime,
      images,
      ...given,
      fifos,
      turn: () => turns.take(),
      now,
      volumes,
      services: () => services.list(),
      read: reader(kube, pod),
      hostsFile: isProcess ? undefined : hosts.pathFor(pod, podDirectory),
      node: nodeOf(podIp),
      directory: podDirectory,
      artifacts: options.artifacts,
    }),
  };
}

function selects(service: Service, pod: Pod): boolean {
  const selector = Object.entries(service.spec?.selector ?? {});
  return selector.length > 0 && selector.every(([key, value]) => pod.metadata.labels?.[key] === value);
}

const keyedResources: Readonly<Record<'configMap' | 'secret', Resource>> = {
  configMap: resources.configMaps,
  secret: resources.secrets,
};

function reader(kube: KubeApi, pod: Pod): ReadKeyed {
  const { namespace = 'default' } = pod.metadata;
  return (kind, name) => kube.get<KeyedData>(keyedResources[kind], { namespace, name }, AbortSignal.timeout(10_000));
}

async function requestToken(kube: KubeApi, pod: Pod, request: TokenRequest): Promise<IssuedToken> {
  const { namespace = 'default', name, uid = '' } = pod.metadata;
  const account = pod.spec?.serviceAccountName ?? 'default';
  const seconds = request.expirationSeconds ?? 3_600;
  const body: KubeObject<object, { readonly token?: string; readonly expirationTimestamp?: string }> = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: account, namespace },
    spec: {
      audiences: request.audience ? [request.audience] : [],
      expirationSeconds: seconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  };
  const signal = AbortSignal.timeout(10_000);
  const answer = await kube.create(resources.serviceAccounts, body, { subresource: 'token', signal });
  const { token, expirationTimestamp = '' } = answer.status ?? {};
  if (!token) throw new ConfigError(`no token could be had for the service account "${account}"`);
  return { token, expiresAt: Date.parse(expirationTimestamp) || Date.now() + seconds * 1_000 };
}

const repeatMs = 60_000;
const maxTold = 1_000;

/** Says that host tools stand in for an image, once a minute and image; that there is no isolation, once. */
function imageTeller(
  events: EventRecorder,
  runtime: ContainerRuntime,
  { images }: NodeAgentOptions,
  now: () => number,
): PodPorts['tellImage'] {
  const told = new Map<string, number>();
  let isolationTold = false;
  const signal = new AbortController().signal;
  return (pod: Pod, container: Container) => {
    if (runtime.kind === 'process' && !isolationTold) {
      isolationTold = true;
      const message = 'pods on this node run without isolation: install bubblewrap to give each its own file system';
      events.record(pod, 'Warning', 'NoIsolation', message);
    }
    if (runtime.kind === 'containerd') return;
    const image = container.image ?? '';
    if (now() - (told.get(image) ?? Number.NEGATIVE_INFINITY) < repeatMs) return;
    if (told.size > maxTold) told.clear();
    told.set(image, now());
    void images
      .resolve(image, signal)
      .then((found) => {
        if (found !== 'foreign' && !(typeof found === 'object' && 'standIn' in found)) return;
        const message = `image ${image} is not in the embedded registry; the tools of this machine stand in for it`;
        events.record(pod, 'Normal', 'ImageSubstituted', message);
      })
      .catch(() => told.delete(image));
  };
}

/** Pods that end together are looked for together: one look at the process table. */
function batchedKill(): (uid: string) => void {
  const uids = new Set<string>();
  return (uid) => {
    if (uids.size === 0) {
      setImmediate(() => {
        const batch = new Set(uids);
        uids.clear();
        killMarked(batch);
      });
    }
    uids.add(uid);
  };
}
