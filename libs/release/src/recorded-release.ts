import type { JsonObject } from '@sluice/model';

/** One revision of a release as helm recorded it: what decisions read of it. */
export type RecordedRelease = {
  readonly name: string;
  readonly namespace: string;
  readonly version: number;
  readonly status: string;
  readonly firstDeployed: string;
  readonly lastDeployed: string;
  readonly deleted?: string;
  readonly chart: {
    readonly name: string;
    readonly version: string;
    readonly appVersion?: string;
    readonly metadata: JsonObject;
  };
  readonly config: JsonObject;
  readonly manifest: string;
  readonly hooks: readonly RecordedHook[];
};

export type RecordedHook = {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  readonly manifest: string;
  readonly events: readonly string[];
  readonly lastRun?: { readonly startedAt?: string; readonly completedAt?: string; readonly phase: string };
};

/** What is to be deployed. */
export type DesiredRelease = {
  readonly name: string;
  readonly namespace: string;
  readonly chartName: string;
  readonly chartVersion: string;
  readonly configDigest: string;
  readonly ociDigest?: string;
};
