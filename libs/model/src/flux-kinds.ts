import type { Condition } from './condition.ts';
import type { JsonObject, KubeObject } from './kube-object.ts';

/** An artifact that a source offers (source.toolkit.fluxcd.io/v1). `digest` is `sha256:<hex>`. */
export type Artifact = {
  readonly path: string;
  readonly url: string;
  readonly revision: string;
  readonly digest: string;
  readonly lastUpdateTime: string;
  readonly size?: number;
  readonly metadata?: Readonly<Record<string, string>>;
};

export type SourceStatus = {
  readonly observedGeneration?: number;
  readonly artifact?: Artifact;
  readonly conditions?: readonly Condition[];
  readonly lastHandledReconcileAt?: string;
  readonly url?: string;
};

/** `source.toolkit.fluxcd.io/v1 OCIRepository`. */
export type OciRepository = KubeObject<
  {
    readonly url: string;
    readonly ref?: { readonly tag?: string; readonly semver?: string; readonly digest?: string };
    readonly interval: string;
    readonly timeout?: string;
    readonly layerSelector?: { readonly mediaType?: string; readonly operation?: 'extract' | 'copy' };
    readonly insecure?: boolean;
    readonly suspend?: boolean;
    readonly secretRef?: { readonly name: string };
  },
  SourceStatus
>;

/** Any source of source.toolkit.fluxcd.io/v1; specs are read by libs/release. */
export type Source = KubeObject<{ readonly suspend?: boolean } & JsonObject, SourceStatus>;

/** One entry of HelmRelease `status.history`, newest first. */
export type ReleaseSnapshot = {
  readonly apiVersion?: string;
  readonly digest: string;
  readonly name: string;
  readonly namespace: string;
  readonly version: number;
  readonly status: string;
  readonly action?: string;
  readonly chartName: string;
  readonly chartVersion: string;
  readonly appVersion?: string;
  readonly configDigest: string;
  readonly firstDeployed: string;
  readonly lastDeployed: string;
  readonly deleted?: string;
  readonly testHooks?: JsonObject;
  readonly ociDigest?: string;
};

/** `helm.toolkit.fluxcd.io/v2 HelmRelease`. The spec keeps Flux's field names; see libs/release for its meaning. */
export type HelmRelease = KubeObject<HelmReleaseSpec, HelmReleaseStatus>;

type Remediation = {
  readonly retries?: number;
  readonly remediateLastFailure?: boolean;
  readonly strategy?: 'rollback' | 'uninstall';
  readonly ignoreTestFailures?: boolean;
};

export type HelmReleaseSpec = {
  readonly chartRef?: { readonly kind: string; readonly name: string; readonly namespace?: string };
  readonly chart?: JsonObject;
  readonly interval: string;
  readonly releaseName?: string;
  readonly targetNamespace?: string;
  readonly storageNamespace?: string;
  readonly timeout?: string;
  readonly suspend?: boolean;
  readonly maxHistory?: number;
  readonly dependsOn?: readonly {
    readonly name: string;
    readonly namespace?: string;
    readonly readyExpr?: string;
  }[];
  readonly values?: JsonObject;
  readonly valuesFrom?: readonly JsonObject[];
  readonly install?: JsonObject & { readonly createNamespace?: boolean; readonly remediation?: Remediation };
  readonly upgrade?: JsonObject & { readonly remediation?: Remediation };
  readonly rollback?: JsonObject;
  readonly uninstall?: JsonObject;
  readonly test?: JsonObject;
  readonly driftDetection?: JsonObject;
} & JsonObject;

export type HelmReleaseStatus = {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly history?: readonly ReleaseSnapshot[];
  readonly failures?: number;
  readonly installFailures?: number;
  readonly upgradeFailures?: number;
  readonly lastAttemptedGeneration?: number;
  readonly lastAttemptedRevision?: string;
  readonly lastAttemptedRevisionDigest?: string;
  readonly lastAttemptedConfigDigest?: string;
  readonly lastAttemptedReleaseAction?: 'install' | 'upgrade';
  readonly lastHandledReconcileAt?: string;
  readonly lastHandledForceAt?: string;
  readonly lastHandledResetAt?: string;
  readonly storageNamespace?: string;
  readonly helmChart?: string;
  readonly lastAttemptedReleaseActionDuration?: string;
  readonly observedPostRenderersDigest?: string;
  readonly observedCommonMetadataDigest?: string;
  readonly inventory?: { readonly entries: readonly { readonly id: string; readonly v: string }[] };
};
