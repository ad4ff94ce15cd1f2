import type { InformerSet, KubeApi } from '@sluice/reconcile';
import type { Log, Running } from '@sluice/runtime';
import type { ArtifactMover, ObjectKey } from '@sluice/model';
import type { HostTools, RuntimeKind } from './container/runtime.ts';
import type { TaskPort } from './container/task-run.ts';
import type { ImagePort } from './image/image-port.ts';
import type { BackoffConfig } from './pod/restart-backoff.ts';
import type { Delays } from './pod/status-delay.ts';
import type { PodLogOptions } from './pod-logs.ts';
import type { PodSessions } from './pod-sessions.ts';

export type NodeAgentOptions = {
  readonly kube: KubeApi;
  /** Shared informers; made over `kube` when absent. The agent starts the ones that it uses. */
  readonly informers?: InformerSet;
  /** The data directory. The agent owns `pods/`, `volumes/`, `images/`, `hosts/` and `logs/` in it. */
  readonly directory: string;
  readonly nodeName?: string;
  /** `auto`: sandbox where bubblewrap works, else process. The others fail to start where they cannot be had. */
  readonly runtime: 'auto' | RuntimeKind;
  /** Path of the socket of the containerd that the runtime `containerd` uses. Default: its usual place. */
  readonly containerdAddress?: string;
  readonly images: ImagePort;
  /** Moves artifacts of workflow steps; without it pods that name some end in an error. */
  readonly artifacts?: ArtifactMover;
  /** Does the work of pods that name a task; without it they end in an error. */
  readonly tasks?: TaskPort;
  /** Directories first on PATH, and host paths that pods see read-only besides the system's. */
  readonly tools: HostTools;
  /** Given to every container; its own variables win. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** First two numbers of the pods' loopback addresses. Default `127.64`; give each cluster of a machine its own. */
  readonly podNetwork?: string;
  readonly allowHostPath?: boolean;
  readonly backoff?: BackoffConfig;
  readonly delays?: Delays;
  /** How long containers may take to end when the agent is closed. Default 2 s. */
  readonly closeGraceMs?: number;
};

export type NodeAgent = Running & {
  readonly runtime: RuntimeKind;
  /** Why this runtime, for people. */
  readonly reason: string;
  /** For the API server's `/log`. Throws PodLogError before the first chunk. */
  podLogs(key: ObjectKey, options: PodLogOptions): AsyncIterable<Uint8Array>;
  /** For the API server's exec, attach and port-forward. */
  readonly sessions: PodSessions;
};
