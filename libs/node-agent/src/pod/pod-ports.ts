import type { KubeApi } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import type { RunPorts } from '../container/container-run.ts';
import type { TaskRunOptions } from '../container/task-run.ts';
import type { EventRecorder } from '../node/event-recorder.ts';
import type { EndedLogs } from '../log/ended-logs.ts';
import type { PodAddresses } from '../node/addresses.ts';
import type { VolumePorts, VolumeSource } from '../volume/pod-volumes.ts';
import type { Container, Pod } from './pod-spec.ts';
import type { BackoffConfig } from './restart-backoff.ts';
import type { Delays } from './status-delay.ts';

/** What a pod worker needs of the node. Shared by all workers. */
export type PodPorts = {
  readonly kube: KubeApi;
  readonly log: Log;
  readonly now: () => number;
  readonly backoff: BackoffConfig;
  readonly delays: Delays;
  readonly hostIp: string;
  /** `<data directory>/pods`. */
  readonly podsDirectory: string;
  readonly addresses: PodAddresses;
  readonly events: EventRecorder;
  /** Say once in a while that host tools stand in for an image, or that there is no isolation. */
  readonly tellImage: (pod: Pod, container: Container) => void;
  /** A Service sends to this pod. */
  readonly isServing: (pod: Pod) => boolean;
  /** Where the logs of pods go whose object is gone. */
  readonly endedLogs: EndedLogs;
  /** End processes of a pod that left their group (only the runtime without namespaces has such). */
  readonly killEscaped: (uid: string) => void;
  readonly volumePorts: (pod: Pod, directory: string, podIp: string) => VolumePorts;
  readonly taskPorts: (pod: Pod, directory: string) => TaskRunOptions['ports'];
  readonly runPorts: (
    pod: Pod,
    directory: string,
    podIp: string,
    volumes: ReadonlyMap<string, VolumeSource>,
  ) => RunPorts;
};
