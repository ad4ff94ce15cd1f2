import { arch, availableParallelism, hostname, release, totalmem } from 'node:os';
import { keyOf, type KubeObject, type Resource } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import type { RuntimeKind } from '../container/runtime.ts';

/** Cluster-scoped nodes. */
export const nodes: Resource = Object.freeze({
  group: '',
  version: 'v1',
  plural: 'nodes',
  kind: 'Node',
  namespaced: false,
});

export type NodeDescription = {
  readonly name: string;
  readonly runtime: RuntimeKind;
  /** Why this runtime: shown in the Ready condition. */
  readonly reason: string;
  /** Whether limits of containers are kept: shown in an annotation. */
  readonly limits: string;
  readonly hostIp: string;
  readonly now: number;
};

/** Annotation of the Node: whether the limits of containers are kept, for people. */
export const limitsAnnotation = 'sluice.dev/resource-limits';

const isolations: Readonly<Record<RuntimeKind, string>> = {
  sandbox: 'pods run in sandboxes',
  process: 'pods run WITHOUT isolation',
  containerd: 'pods run in containers of their images, in the network of the host',
};

const archNames: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The Node object of this machine. Pure but for the facts of the machine. */
export function buildNode({ name, runtime, reason, limits, hostIp, now }: NodeDescription): KubeObject<object, object> {
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const resources = {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: '2000',
    'ephemeral-storage': '100Gi',
  };
  const isolation = isolations[runtime];
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  const architecture = archNames[arch()] ?? arch();
  const condition = (type: string, status: string, why: string, message: string) => {
    return { type, status, reason: why, message, lastHeartbeatTime: time, lastTransitionTime: time };
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': os,
        'kubernetes.io/arch': architecture,
        'sluice.dev/runtime': runtime,
        'sluice.dev/native-outputs': 'true',
      },
      annotations: { [limitsAnnotation]: limits },
    },
    spec: {},
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [
        { type: 'InternalIP', address: hostIp },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        machineID: '',
        systemUUID: '',
        bootID: '',
        kernelVersion: release(),
        osImage: `Sluice on ${hostname()}`,
        containerRuntimeVersion: `sluice-${runtime}://0.1.0`,
        kubeletVersion: 'v1.35.0-sluice',
        kubeProxyVersion: '',
        operatingSystem: os,
        architecture,
      },
      conditions: [
        condition('MemoryPressure', 'False', 'NotMeasured', 'memory pressure is not measured'),
        condition('DiskPressure', 'False', 'NotMeasured', 'disk space is not limited by this node'),
        condition('Ready', 'True', 'NodeAgentRuns', `${isolation}: ${reason}`),
      ],
    },
  };
}

/** Create or update the Node. There is no heartbeat: agent and API server are one process. */
export async function ensureNode(kube: KubeApi, node: KubeObject<object, object>): Promise<void> {
  const key = keyOf(node);
  const { status, ...rest } = node;
  const { labels, annotations } = node.metadata;
  if (await kube.get(nodes, key)) {
    await kube.patch(nodes, key, { type: 'merge', body: { metadata: { labels, annotations } } });
  } else await kube.create(nodes, rest);
  await kube.patch(nodes, key, { type: 'merge', body: { status } }, { subresource: 'status' });
}
