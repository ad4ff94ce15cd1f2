import type { ArtifactMover } from '@sluice/model';
import type { HttpHandler } from '@sluice/runtime';

/** What tasks reach of the world. */
export type ExecutorPorts = {
  /** The API of the cluster, as the bearer of a token. Closed when the task ends. */
  readonly connect: (token: string) => HttpHandler & { close(): Promise<void> };
  readonly artifacts: ArtifactMover;
  /** The address of a host name that only the cluster knows, as seen from a namespace. */
  readonly resolveHost: (namespace: string, host: string) => string | undefined;
};
