import type { DeliveryJob } from '@sluice/events';
import type { CheckReport, DeploymentReport, Repository } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import type { Log, Reporting, Secret } from '@sluice/runtime';
import type { Permission } from '@sluice/trigger';

/** One ref of a forge as it is now. Pull requests are listed while they are open, as `refs/pull/<number>/head`. */
export type Head = {
  readonly ref: string;
  readonly sha: string;
  readonly pullRequest?: {
    readonly number: number;
    readonly baseRef: string;
    readonly baseSha: string;
    /** Full ref of the branch it comes from, where that is in the same repository. */
    readonly headRef?: string;
    readonly draft: boolean;
    /** True when the commits come from another repository. */
    readonly fork: boolean;
    /** Who opened it. */
    readonly author?: ForgeActor;
  };
};

/** A webhook that the forge sent and nobody took; `body` is the JSON that was sent. */
export type MissedDelivery = { readonly event: string; readonly delivery: string; readonly body: string };

/** Somebody at the forge: the numeric (or otherwise unforgeable) id decides, the login is only for looking up. */
export type ForgeActor = { readonly id: string; readonly login: string };

/** A forge as seen for one repository. Writing the same report twice leaves one. Throws TransientError to be retried. */
export type Forge = {
  upsertCheck(check: CheckReport, signal: AbortSignal): Promise<void>;
  upsertDeployment(deployment: DeploymentReport, signal: AbortSignal): Promise<void>;
  /** Branches, tags and open pull requests. */
  listHeads(signal: AbortSignal): Promise<readonly Head[]>;
  /** What somebody may do in the repository, asked anew each time. */
  permissionOf(actor: ForgeActor, signal: AbortSignal): Promise<Permission>;
  /** Webhooks that never arrived, each told once; absent where the forge cannot be asked. */
  missedDeliveries?(signal: AbortSignal): Promise<readonly MissedDelivery[]>;
};

/** The local copy of one repository's commits. Throws TransientError when the remote cannot be reached. */
export type Mirror = {
  /** Make these commits present with at most one fetch. Throws TerminalError('CommitNotFound') when the remote lacks one. */
  ensureCommits(shas: readonly string[], signal: AbortSignal): Promise<void>;
  /** The commit's message, as it is. */
  readMessage(sha: string, signal: AbortSignal): Promise<string>;
  /** Regular files below `prefix` (ends in `/`) at the commit; links and submodules are left out. Bounded in size. */
  readTree(sha: string, prefix: string, signal: AbortSignal): Promise<readonly { path: string; text: string }[]>;
  /** Paths that differ between the merge base of the two commits and `head`; 'unknown' when that cannot be told. */
  changedPaths(base: string, head: string, signal: AbortSignal): Promise<readonly string[] | 'unknown'>;
  /** Full refs of the remote with the commits that they name. */
  listRefs(signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /** Make a commit on top of one that is present and push it; 'moved' when the branch is elsewhere by now. */
  pushCommit(commit: NewCommit, target: PushTarget, signal: AbortSignal): Promise<{ readonly sha: string } | 'moved'>;
};

/** A commit to be made: see libs/git. */
export type NewCommit = {
  readonly parent?: string;
  readonly files: Readonly<Record<string, string | null>>;
  readonly message: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly timeMs: number;
};

/** Where it goes. */
export type PushTarget = { readonly ref: string; readonly force?: boolean; readonly options?: readonly string[] };

/** The queue `deliveries`, as libs/queue has it. Jobs of one repository come one at a time, in order. */
export type DeliveryQueue = {
  add(
    job: DeliveryJob,
    options: { readonly id: string; readonly key: string; readonly alias: string },
  ): Promise<'added' | 'duplicate' | 'conflict'>;
  work(
    handler: (job: DeliveryJob, context: { readonly signal: AbortSignal }) => Promise<void>,
    options: { readonly concurrency: number },
  ): { close(): Promise<void> };
};

/** What the Secret of a repository holds: a token, or the key of a GitHub App, or both (the token then fetches). */
export type ForgeCredentials = {
  readonly token?: Secret;
  readonly app?: { readonly appId: number; readonly privateKey: Secret };
};

/** All that the orchestrator talks to. */
export type OrchestratorPorts = Reporting & {
  readonly kube: KubeApi;
  readonly deliveries: DeliveryQueue;
  /** The forge of a repository. Throws TerminalError for what spec or secret lack. */
  forges(repository: Repository, credentials: ForgeCredentials): Forge;
  /** The mirror of a repository's commits. */
  mirrors(repository: Repository, credentials: ForgeCredentials): Mirror;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};
