import type { Json, JsonObject, KubeObject } from '@sluice/model';
import type { LabelSelector } from '@sluice/reconcile';

/** The parts of pods and workloads that the controllers read. Everything else passes through as it is. */
export type PodCondition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
};

export type ContainerPort = { readonly name?: string; readonly containerPort: number; readonly protocol?: string };

export type Container = {
  readonly name: string;
  readonly ports?: readonly ContainerPort[];
  readonly resources?: { readonly requests?: Readonly<Record<string, string | number>> };
} & JsonObject;

export type PodSpec = {
  readonly nodeName?: string;
  readonly restartPolicy?: string;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly schedulerName?: string;
  readonly volumes?: readonly JsonObject[];
} & JsonObject;

export type PodStatus = {
  readonly phase?: string;
  readonly reason?: string;
  readonly podIP?: string;
  readonly startTime?: string;
  readonly conditions?: readonly PodCondition[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
};

export type ContainerStatus = {
  readonly name?: string;
  readonly restartCount?: number;
  readonly state?: { readonly terminated?: { readonly finishedAt?: string; readonly exitCode?: number } };
};

export type Pod = KubeObject<PodSpec, PodStatus>;

export type PodTemplate = {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec?: PodSpec;
};

/** A number, or a percentage as text. */
export type IntOrPercent = number | string;

export type ReplicaSetSpec = {
  readonly replicas?: number;
  readonly minReadySeconds?: number;
  readonly selector?: LabelSelector;
  readonly template?: PodTemplate;
};

export type ReplicaSetStatus = {
  readonly replicas?: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly observedGeneration?: number;
};

export type ReplicaSet = KubeObject<ReplicaSetSpec, ReplicaSetStatus>;

/** The condition of a workload: as a pod's, with the time of the last change of any part. */
export type WorkloadCondition = PodCondition & { readonly lastUpdateTime?: string };

export type DeploymentSpec = {
  readonly replicas?: number;
  readonly selector?: LabelSelector;
  readonly template?: PodTemplate;
  readonly strategy?: {
    readonly type?: string;
    readonly rollingUpdate?: { readonly maxSurge?: IntOrPercent; readonly maxUnavailable?: IntOrPercent };
  };
  readonly minReadySeconds?: number;
  readonly revisionHistoryLimit?: number;
  readonly paused?: boolean;
  readonly progressDeadlineSeconds?: number;
};

export type DeploymentStatus = {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly unavailableReplicas?: number;
  readonly conditions?: readonly WorkloadCondition[];
  readonly collisionCount?: number;
};

export type Deployment = KubeObject<DeploymentSpec, DeploymentStatus>;

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timeText(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}

/** JSON with sorted keys and without undefined: equal objects have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, child: unknown) => {
    if (typeof child !== 'object' || child === null || Array.isArray(child)) return child;
    return Object.fromEntries(Object.entries(child).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** True when two values are the same JSON. */
export function sameJson(a: unknown, b: unknown): boolean {
  return a === b || canonicalJson(a ?? null) === canonicalJson(b ?? null);
}

/** A value as JSON, for object types without an index signature. */
export function toJson(value: unknown): Json {
  return value as Json;
}
