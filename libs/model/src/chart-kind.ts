import type { Condition } from './condition.ts';
import type { JsonObject, KubeObject } from './kube-object.ts';

/** `sluice.dev/v1alpha1 ChartKind`, cluster-scoped: a Helm chart offered as a kind of its own. */
export type ChartKind = KubeObject<ChartKindSpec, ChartKindStatus>;

export type ChartKindSpec = {
  readonly group: string;
  /** Version of the kind; `v1` by default. */
  readonly version?: string;
  readonly kind: string;
  readonly plural?: string;
  readonly shortNames?: readonly string[];
  /** The source of the chart; as in a HelmRelease, with a namespace. */
  readonly chartRef: { readonly kind: string; readonly name: string; readonly namespace: string };
  /** Path of the values to the value that always wins, such as `image.registry: mirror.local`. */
  readonly overrideValues?: JsonObject;
  /** Merged under the spec of each HelmRelease: interval, timeout, install, upgrade, driftDetection … */
  readonly release?: JsonObject;
  /** Columns of `kubectl get` besides Ready and Chart. */
  readonly columns?: readonly { readonly name: string; readonly type: string; readonly jsonPath: string }[];
  readonly suspend?: boolean;
};

export type ChartKindStatus = {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  /** Name of the CustomResourceDefinition that was made. */
  readonly definition?: string;
  /** Revision of the chart whose values the schema was made from. */
  readonly chartRevision?: string;
  /** Where the schema came from. */
  readonly schemaSource?: 'values.schema.json' | 'values.yaml';
  /** Parts of the schema that Kubernetes cannot express, left open. */
  readonly openPaths?: readonly string[];
};
