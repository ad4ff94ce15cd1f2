import type { Condition } from './condition.ts';
import type { JsonObject, KubeObject } from './kube-object.ts';

/** `sluice.dev/v1alpha1 Repository`: one git repository whose pushes start pipelines. */
export type Repository = KubeObject<RepositorySpec, RepositoryStatus>;

export type RepositorySpec = {
  readonly forge: {
    readonly type: 'local' | 'github';
    /** Base URL of the forge's API. */
    readonly apiUrl: string;
    /** `owner/name` at GitHub, the bare name at the local forge. */
    readonly repository: string;
    /** Secret in the same namespace with key `token`. */
    readonly secretRef?: { readonly name: string };
  };
  /** Clone URL, http or https. Pods fetch from it too. */
  readonly url: string;
  readonly defaultBranch: string;
  readonly webhook: {
    /** Last part of `/hooks/<route>`: unguessable, picks this repository. */
    readonly route: string;
    /** Secret in the same namespace with key `secret`, and `previous` while it is being rotated. */
    readonly secretRef: { readonly name: string };
  };
  readonly suspend?: boolean;
};

export type RepositoryStatus = {
  readonly observedGeneration?: number;
  /** Ref → full commit id that was handled last. */
  readonly heads?: Readonly<Record<string, string>>;
  readonly conditions?: readonly Condition[];
};

/** `sluice.dev/v1alpha1 Environment`: where pipelines deploy. */
export type Environment = KubeObject<EnvironmentSpec, EnvironmentStatus>;

export type EnvironmentSpec = {
  /** Namespace that releases are installed into; made when missing. */
  readonly namespace: string;
  readonly mode: 'direct';
  /** Merged under every HelmRelease spec of this environment: timeout, install, upgrade, values ... */
  readonly release?: JsonObject;
};

export type EnvironmentStatus = { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };

/** What a run asks to be deployed when it succeeds; JSON list in the annotation `sluice.dev/deploy`. */
export type DeployRequest = {
  readonly environment: string;
  /** Name of the HelmRelease and of the Helm release. */
  readonly release: string;
  /** Names of global output parameters of the Workflow. */
  readonly chart: { readonly url: string; readonly digestParameter: string };
  readonly images: readonly { readonly name: string; readonly url: string; readonly digestParameter: string }[];
  readonly values?: JsonObject;
};
