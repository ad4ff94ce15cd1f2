/** A repository of the local forge. `id` never changes and names its directory. */
export type RepoRecord = {
  readonly id: number;
  readonly name: string;
  readonly defaultBranch: string;
  readonly createdAt: string;
  readonly webhook?: { readonly url: string; readonly secret: string };
};

/** Somebody who pushed. Ids are handed out once a name, never again. */
export type UserRecord = { readonly id: number; readonly login: string };

export type PullState = 'open' | 'closed' | 'merged';

/** A pull request. Its commits are kept under `refs/pull/<number>/head`. */
export type PullRecord = {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly state: PullState;
  readonly author: UserRecord;
  /** Branch that it is to be merged into, without refs/heads/. */
  readonly branch: string;
  readonly baseSha: string;
  readonly headSha: string;
  /** As given by the pusher; undefined for a plain push to refs/for/<branch>. */
  readonly topic?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly closedAt?: string;
  readonly mergeSha?: string;
  readonly mergedBy?: UserRecord;
};

export type CommentRecord = {
  readonly id: number;
  readonly body: string;
  readonly author: UserRecord;
  readonly createdAt: string;
};

export type Annotation = {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly startColumn?: number;
  readonly endColumn?: number;
  readonly level: 'notice' | 'warning' | 'failure';
  readonly message: string;
  readonly title?: string;
};

/** What is known about a commit, by the external id of whoever reports it. */
export type CheckRecord = {
  readonly externalId: string;
  readonly sha: string;
  readonly name: string;
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion?: string;
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  readonly annotations?: readonly Annotation[];
  readonly startedAt?: string;
  readonly completedAt?: string;
  readonly detailsUrl?: string;
  readonly updatedAt: string;
};

export type DeploymentRecord = {
  readonly externalId: string;
  readonly id: number;
  readonly sha: string;
  readonly ref: string;
  readonly environment: string;
  readonly state: string;
  readonly description: string;
  readonly environmentUrl?: string;
  readonly logUrl?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** States in the order in which they were reported, at most {@link maxDeploymentHistory}. */
  readonly history: readonly { readonly state: string; readonly description: string; readonly at: string }[];
};

/** States of a deployment that are kept. */
export const maxDeploymentHistory = 50;

/** A webhook that waits for its receiver, or that was given up. */
export type DeliveryRecord = {
  readonly sequence: number;
  readonly repoId: number;
  readonly event: string;
  readonly delivery: string;
  readonly body: string;
  readonly createdAt: string;
  readonly attempts: number;
  /** Set when it will not be tried again by itself. */
  readonly givenUp?: string;
};
