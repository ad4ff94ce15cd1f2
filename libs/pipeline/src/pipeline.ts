import type { JsonObject } from '@sluice/model';

/** Which pushes: branch and tag names and changed paths, as lists of globs (see matchesAnyGlob in @sluice/model). */
export type PushTrigger = {
  readonly branches?: readonly string[];
  readonly tags?: readonly string[];
  readonly paths?: readonly string[];
};

/** Which pull requests: by target branch and changed paths. */
export type PullRequestTrigger = { readonly branches?: readonly string[]; readonly paths?: readonly string[] };

/** `package.image`: files of the workspace laid over a base as an OCI image. */
export type ImagePackage = {
  readonly name: string;
  readonly include: readonly string[];
  readonly workdir: string;
  readonly command?: readonly string[];
};

/** `package.chart`: a Helm chart directory of the workspace. */
export type ChartPackage = { readonly path: string; readonly name?: string };

/** One value of a Secret in the namespace of the Repository. */
export type SecretKey = { readonly name: string; readonly key: string };

/** One step: a script to run, or something to package. */
export type Step = {
  readonly name: string;
  readonly needs: readonly string[];
  readonly image?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Environment variable to the value of a Secret. */
  readonly secrets: Readonly<Record<string, SecretKey>>;
  readonly timeoutSeconds?: number;
  /** Attempts after the first. */
  readonly retry: number;
} & (
  | { readonly kind: 'run'; readonly run: string }
  | { readonly kind: 'image'; readonly package: ImagePackage }
  | { readonly kind: 'chart'; readonly package: ChartPackage }
);

/** What to release to an environment once the run succeeded. */
export type Deploy = {
  readonly environment: string;
  /** Which pushes deploy; absent: every push that ran, or none where pull requests do. */
  readonly push?: PushTrigger;
  /** Which pull requests of the repository's own branches deploy, each to a preview of its own. */
  readonly pullRequest?: PullRequestTrigger;
  readonly release?: string;
  /** Name of the step that packages the chart. */
  readonly chart: string;
  readonly images: readonly string[];
  readonly values: JsonObject;
};

/** One `kind: Pipeline` document, checked, with its defaults filled in. */
export type Pipeline = {
  readonly kind: 'pipeline';
  readonly name: string;
  /** Where it was read: path in the repository and line, counted from 1. */
  readonly file: string;
  readonly line: number;
  readonly on: { readonly push?: PushTrigger; readonly pullRequest?: PullRequestTrigger };
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly steps: readonly Step[];
  readonly deploy: readonly Deploy[];
};

/** A Workflow or WorkflowTemplate file of Argo whose annotations say what starts it. */
export type ArgoPipeline = {
  readonly kind: 'argo';
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly on: { readonly push?: PushTrigger; readonly pullRequest?: PullRequestTrigger };
  readonly deploy: readonly Deploy[];
  /** Of the Workflow that is run. */
  readonly spec: JsonObject;
};

/** Whatever a file of `.sluice/` may hold. */
export type AnyPipeline = Pipeline | ArgoPipeline;

/** The API version of `kind: Pipeline` documents. */
export const pipelineApiVersion = 'sluice.dev/v1alpha1';
