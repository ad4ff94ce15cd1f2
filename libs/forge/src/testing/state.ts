/** What the stand-in remembers. Tests read it; only the routes and the scenario functions write it. */
export type StandInState = {
  readonly repositories: Map<string, StandInRepository>;
  /** Live installation tokens and when they end, in milliseconds. */
  readonly tokens: Map<string, number>;
  nextId: number;
  /** Webhooks of the App, oldest first. */
  readonly deliveries: StandInDelivery[];
  /** While set, webhooks are lost on their way. */
  losing: boolean;
};

export type StandInDelivery = {
  readonly id: number;
  readonly guid: string;
  readonly event: string;
  readonly body: string;
  readonly repositoryId: number;
  readonly deliveredAt: string;
  readonly redelivery: boolean;
  readonly statusCode: number;
};

export type StandInRepository = {
  readonly id: number;
  /** `owner/name`. */
  readonly fullName: string;
  readonly defaultBranch: string;
  readonly cloneUrl: string;
  readonly webhook: { readonly url: string; readonly secret: string } | undefined;
  /** Full refs. */
  readonly refs: Map<string, string>;
  /** Annotated tag object → commit. */
  readonly tagObjects: Map<string, string>;
  readonly commits: Set<string>;
  readonly pulls: Map<number, StandInPull>;
  readonly checkRuns: Map<number, StandInCheckRun>;
  readonly statuses: StandInStatus[];
  readonly deployments: Map<number, StandInDeployment>;
  /** By login. Who is not here has no permission. */
  readonly collaborators: Map<string, { readonly id: number; readonly permission: string }>;
};

export type StandInPull = {
  readonly number: number;
  title: string;
  state: 'open' | 'closed';
  merged: boolean;
  draft: boolean;
  headRef: string;
  headSha: string;
  baseRef: string;
  baseSha: string;
  /** Undefined after the fork was deleted; another id than the repository's for a fork. */
  headRepositoryId: number | undefined;
};

export type StandInCheckRun = {
  readonly id: number;
  readonly headSha: string;
  name: string;
  externalId: string;
  status: string;
  conclusion: string | null;
  title: string | null;
  summary: string | null;
  text: string | null;
  readonly annotations: unknown[];
  startedAt: string | null;
  completedAt: string | null;
  detailsUrl: string | null;
  actions: readonly { readonly identifier: string }[];
  /** Every status that it had, in order. */
  readonly history: string[];
};

export type StandInStatus = {
  readonly id: number;
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
};

export type StandInDeployment = {
  readonly id: number;
  readonly sha: string;
  readonly ref: string;
  readonly environment: string;
  readonly payload: unknown;
  readonly description: string | null;
  readonly statuses: { readonly id: number; readonly state: string; readonly description: string }[];
};
