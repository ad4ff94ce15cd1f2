import type { ArtifactInput, ArtifactOutput, Json, JsonObject, LogOutput, PodTask } from '@sluice/model';

/** The parts of a workflow template from which a pod is made, with every tag replaced. */
export type PodTemplate = {
  readonly name?: string;
  readonly container?: JsonObject;
  readonly script?: JsonObject;
  readonly containerSet?: JsonObject;
  readonly inputs?: { readonly artifacts?: readonly JsonObject[] };
  readonly outputs?: {
    readonly parameters?: readonly {
      readonly name: string;
      readonly valueFrom?: { readonly path?: string; readonly default?: Json };
    }[];
    readonly artifacts?: readonly JsonObject[];
  };
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly activeDeadlineSeconds?: Json;
} & { readonly [field: string]: unknown };

/** The parts of a workflow's spec that concern all its pods. */
export type PodSpecSource = { readonly [field: string]: unknown };

/** A pod as we write it. */
export type PodManifest = {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly JsonObject[];
  };
  readonly spec: JsonObject;
};

export type BuildPodInput = {
  readonly workflow: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly spec: PodSpecSource;
  readonly node: { readonly id: string; readonly name: string; readonly podName: string };
  readonly template: PodTemplate;
  /** Standard output is read by somebody. */
  readonly captureResult: boolean;
  /** When the pod must have ended, in milliseconds; absent: no deadline. */
  readonly deadlineAt?: number;
  readonly now: number;
  /** Which manual retry of the run the pod belongs to; 0 or absent: none. */
  readonly retryNumber?: number;
  /** Labels and annotations of the stored template that the template comes from. */
  readonly podMetadata?: JsonObject;
  /** Node selector, tolerations and affinity of the enclosing templates. */
  readonly scheduling?: JsonObject;
  /** JSON or YAML to merge into the spec, in this order; needs `parseYaml`. */
  readonly podSpecPatches?: readonly string[];
  /** Throws for text that is no YAML. */
  readonly parseYaml?: (text: string) => unknown;
  /** Hosts to stay away from. */
  readonly avoidHosts?: readonly string[];
  /** Claims of the workflow, by the name of their template. */
  readonly claims?: Readonly<Record<string, string>>;
  /** What the node brings into the pod and keeps of it. */
  readonly artifacts?: {
    readonly inputs: readonly ArtifactInput[];
    readonly outputs: readonly ArtifactOutput[];
    readonly logs: readonly LogOutput[];
  };
  /** What the node does itself, in place of a process. */
  readonly task?: PodTask;
  /** `native`: the node captures outputs. `wrapper`: a shell around the command does. */
  readonly outputs: 'native' | 'wrapper';
};
