import type { Condition } from './condition.ts';
import type { JsonObject, KubeObject } from './kube-object.ts';

/** `sluice.dev/v1alpha1 Repository`: one git repository whose pushes start pipelines. */
export type Repository = KubeObject<RepositorySpec, RepositoryStatus>;

/** Kinds of forge. `gitea` is Forgejo too. */
export type ForgeType = 'local' | 'github' | 'gitlab' | 'gitea' | 'bitbucket';

export type RepositorySpec = {
  readonly forge: {
    readonly type: ForgeType;
    /** Base URL of the forge's API. */
    readonly apiUrl: string;
    /** `owner/name`, `group/…/name` at GitLab, the bare name at the local forge. */
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
  /** Secrets of the namespace that trusted runs may read; what is not here no pipeline can ask for. */
  readonly secrets?: readonly SecretGrant[];
  readonly trust?: {
    /**
     * Pull requests of forks: `approve` (default) runs them once somebody with write access has approved the commit,
     * `run` runs them at once, `never` runs none. They never get secrets and take their pipelines from the target branch.
     */
    readonly forks?: 'approve' | 'run' | 'never';
    /** Policies for Workflow files that are lifted for trusted runs: see workflowPolicies in libs/trigger. */
    readonly allow?: readonly string[];
  };
};

/** A Secret that runs may read: all trusted ones, or only those of refs that fit these globs (`refs/heads/main`, `refs/tags/v*`). */
export type SecretGrant = { readonly name: string; readonly refs?: readonly string[] };

/** Somebody with write access let one commit of one pull request of a fork be tested. */
export type ForkApproval = {
  readonly sha: string;
  readonly pullRequest: number;
  /** The forge's numeric id of who approved. */
  readonly actorId: string;
  /** RFC 3339. */
  readonly at: string;
};

export type RepositoryStatus = {
  readonly observedGeneration?: number;
  /** Ref → full commit id that was handled last. */
  readonly heads?: Readonly<Record<string, string>>;
  /** At most 100, oldest first. */
  readonly approvals?: readonly ForkApproval[];
  readonly conditions?: readonly Condition[];
};

/** `sluice.dev/v1alpha1 Environment`: where pipelines deploy. */
export type Environment = KubeObject<EnvironmentSpec, EnvironmentStatus>;

export type EnvironmentSpec = {
  /** Namespace that releases are installed into; made when missing. */
  readonly namespace: string;
  readonly mode?: 'direct' | 'git';
  /** Merged under every HelmRelease spec of this environment: timeout, install, upgrade, values ... */
  readonly release?: JsonObject;
  /** Environments that must serve the same chart first. */
  readonly after?: readonly string[];
  /** A duration. */
  readonly wait?: string;
  readonly freeze?: readonly FreezeWindow[];
  /** Present: somebody must say yes. */
  readonly approval?: JsonObject;
  /** Of mode git: where releases are committed to. */
  readonly git?: { readonly repository: string; readonly branch?: string; readonly path?: string };
  /** Takes deployments of pull requests, each in a namespace of its own. */
  readonly preview?: boolean;
};

/** When nothing begins: from one RFC 3339 time to another, or on days of the week from one hh:mm to another. */
export type FreezeWindow = {
  readonly from: string;
  readonly to: string;
  readonly days?: readonly string[];
  readonly timeZone?: string;
  readonly reason?: string;
};

export type EnvironmentStatus = {
  readonly observedGeneration?: number;
  /** Of mode git: the commit that the cluster follows. */
  readonly revision?: string;
  readonly conditions?: readonly Condition[];
};

/** One entry of the annotation `sluice.dev/approvals` of a Workflow. */
export type DeployApproval = {
  readonly environment: string;
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
  /** Also begin in a freeze. */
  readonly despiteFreeze?: boolean;
};

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
