import type { KubeObject, ObjectMeta } from '@sluice/model';
import { ownerReferenceTo } from '@sluice/reconcile';
import type { Deployment, DeploymentSpec, Pod, PodTemplate, ReplicaSet } from './workload.ts';

/** 2026-01-01T00:00:00Z, the beginning of time in tests. */
export const epochMs = Date.UTC(2026, 0, 1);

/** Seconds after the beginning of time, as objects write it. */
export function at(seconds: number): string {
  return `${new Date(epochMs + seconds * 1_000).toISOString().slice(0, 19)}Z`;
}

/** A template with one container of this image. */
export function makeTemplate(image = 'app:1', labels: Readonly<Record<string, string>> = { app: 'a' }): PodTemplate {
  return { metadata: { labels }, spec: { containers: [{ name: 'main', image }] } };
}

export type PodChange = {
  readonly phase?: string;
  /** Seconds after the beginning of time since when it is ready; undefined: it is not. */
  readonly readySince?: number;
  readonly createdAt?: number;
  readonly deleting?: boolean;
  readonly ip?: string;
  readonly node?: string;
  readonly owner?: KubeObject;
  readonly endedAt?: number;
  readonly restarts?: number;
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: Pod['spec'] & object;
};

/** A pod, running but not ready unless said otherwise. */
export function makePod(name: string, change: PodChange = {}): Pod {
  const {
    phase = 'Running',
    readySince,
    createdAt = 0,
    deleting,
    ip,
    node = 'local',
    owner,
    endedAt,
    restarts,
  } = change;
  const ready = readySince !== undefined;
  const state = endedAt === undefined ? {} : { state: { terminated: { finishedAt: at(endedAt) } } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      labels: { app: 'a' },
      creationTimestamp: at(createdAt),
      ...(deleting && { deletionTimestamp: at(0) }),
      ...(owner && { ownerReferences: [ownerReferenceTo(owner)] }),
      ...change.metadata,
    },
    spec: { nodeName: node, ...change.spec },
    status: {
      phase,
      ...(ip && { podIP: ip }),
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', ...(ready && { lastTransitionTime: at(readySince) }) },
      ],
      containerStatuses: [{ restartCount: restarts ?? 0, ...state }],
    },
  };
}

/** A deployment of the template `app:1` with three replicas. */
export function makeDeployment(spec: DeploymentSpec = {}, change: Partial<Deployment> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', namespace: 'ns', uid: 'uid-d', generation: 1 },
    spec: { replicas: 3, selector: { matchLabels: { app: 'a' } }, template: makeTemplate(), ...spec },
    ...change,
  };
}

export type SetChange = {
  readonly image?: string;
  readonly available?: number;
  readonly present?: number;
  readonly createdAt?: number;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** A set of `replicas` pods, all of them available unless said otherwise. */
export function makeSet(name: string, replicas: number, change: SetChange = {}): ReplicaSet {
  const { image = 'app:1', available = replicas, present = replicas, createdAt = 0, annotations } = change;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      creationTimestamp: at(createdAt),
      ...(annotations && { annotations }),
    },
    spec: { replicas, template: makeTemplate(image) },
    status: { replicas: present, readyReplicas: available, availableReplicas: available },
  };
}
