import type { JsonObject, PodTask } from '@sluice/model';
import type { PodArtifacts } from './pod-artifacts.ts';
import type { Template } from './workflow-types.ts';

/** Something for the caller to do, in this order. Every action may be done twice: names are deterministic. */
export type Action =
  | {
      readonly kind: 'CreatePod';
      readonly nodeId: string;
      readonly nodeName: string;
      readonly podName: string;
      /** The template with every tag replaced. */
      readonly template: Template;
      /** Standard output is read by somebody. */
      readonly captureResult: boolean;
      /** Exit codes, results and files are read by somebody: a bare pod will not do. */
      readonly deadlineAt?: number;
      readonly onExit: boolean;
      /** Labels and annotations of the WorkflowTemplate that the template comes from. */
      readonly podMetadata?: JsonObject;
      /** Where the enclosing steps or dag templates want their pods. */
      readonly scheduling?: JsonObject;
      /** JSON or YAML to merge into the pod's spec, in this order. */
      readonly podSpecPatches?: readonly string[];
      /** Hosts on which earlier attempts failed. */
      readonly avoidHosts?: readonly string[];
      /** What is brought into the pod and kept of it. */
      readonly artifacts?: PodArtifacts;
      /** What the node does itself, in place of a process. */
      readonly task?: PodTask;
    }
  | { readonly kind: 'DeletePod'; readonly nodeId: string; readonly podName: string; readonly reason: string }
  | { readonly kind: 'CreatePvc'; readonly name: string; readonly manifest: JsonObject }
  | { readonly kind: 'DeletePvc'; readonly name: string }
  /** A PodDisruptionBudget over the workflow's pods, named as the workflow. `spec` lacks the selector. */
  | { readonly kind: 'CreatePdb'; readonly spec: JsonObject }
  | { readonly kind: 'DeletePdb' }
  /** Put an entry into a ConfigMap labelled as a cache; made when it is missing. */
  | { readonly kind: 'SaveCache'; readonly cacheName: string; readonly key: string; readonly entry: string }
  | {
      readonly kind: 'RecordEvent';
      readonly type: 'Normal' | 'Warning';
      readonly reason: string;
      readonly message: string;
      readonly annotations?: Readonly<Record<string, string>>;
    };

/** What became of a container of a container set. */
export type ContainerObservation = {
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error';
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};

/** What became of the pod of a node, as the pod's reader found it. */
export type PodObservation = {
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error';
  readonly message?: string;
  readonly exitCode?: number;
  readonly result?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Names of output artifacts that were saved; undefined when the reader does not know. */
  readonly artifacts?: readonly string[];
  /** Where artifacts and logs that were saved lie, as the status is to show it. */
  readonly locations?: Readonly<Record<string, JsonObject>>;
  /** What became of each container of a container set. */
  readonly containers?: Readonly<Record<string, ContainerObservation>>;
  readonly hostNodeName?: string;
  readonly podIP?: string;
  readonly ready?: boolean;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly progress?: string;
  /** Seconds of resources that it has used, by resource. */
  readonly resourcesDuration?: Readonly<Record<string, number>>;
  readonly deleting?: boolean;
  /** The main container has ended while others of the pod run on. */
  readonly lingering?: boolean;
};
