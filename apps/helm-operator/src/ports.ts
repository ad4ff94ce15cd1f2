import type { Helm } from '@sluice/helm';
import type { OciClient, OciHttpOptions } from '@sluice/oci';
import type { KubeApi } from '@sluice/reconcile';
import type { ClusterAccessPort } from './target-cluster.ts';
import type { Log, Reporting } from '@sluice/runtime';

/** What the operator needs from outside. */
export type HelmOperatorPorts = Reporting & {
  readonly kube: KubeApi;
  /** Closed with the operator: running operations get SIGTERM and are waited for. */
  readonly helm: Helm;
  /** Makes a registry client for one source's settings. */
  readonly oci: (options: OciHttpOptions) => OciClient;
  /** Charts are kept here; made when missing. Safe to delete while the operator is stopped. */
  readonly artifactDirectory: string;
  /** Where git is looked for, as in PATH; the usual directories by default. */
  readonly gitSearchPath?: string;
  /** Other users and other clusters, see `clusterAccess`. */
  readonly clusters: ClusterAccessPort;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** What reconcilers share. */
export type Clock = { readonly now: () => number };

/** RFC 3339 without fractions, as Kubernetes writes times. */
export function timestamp({ now }: Clock): string {
  return new Date(now()).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
