import type { CheckReport, DeploymentReport } from '@sluice/model';
import type { Secret } from '@sluice/runtime';

/** One ref of a repository as it is now. Pull requests are listed while they are open, as `refs/pull/<number>/head`. */
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

/**
 * A forge as seen for one repository. Writing the same report twice leaves one. Throws TransientError for what a later
 * try may mend (it carries no secret), TerminalError for what stays wrong: reasons ForgeUnauthorized, ForgeNotFound,
 * ForgeRefused.
 */
export type Forge = {
  upsertCheck(check: CheckReport, signal: AbortSignal): Promise<void>;
  upsertDeployment(deployment: DeploymentReport, signal: AbortSignal): Promise<void>;
  /** Branches, tags and open pull requests. */
  listHeads(signal: AbortSignal): Promise<readonly Head[]>;
  /** What somebody may do, by numeric id: a login that belongs to another id by now has no permission. */
  permissionOf(actor: ForgeActor, signal: AbortSignal): Promise<Permission>;
  /** Webhooks that never arrived, each told once; absent where the forge cannot be asked. */
  missedDeliveries?(signal: AbortSignal): Promise<readonly MissedDelivery[]>;
};

/** A webhook that the forge sent and nobody took. */
export type MissedDelivery = {
  readonly event: string;
  /** The forge's id of it. */
  readonly delivery: string;
  /** The JSON that was sent. */
  readonly body: string;
};

/** Somebody at the forge. The login is only for looking up; the id decides. */
export type ForgeActor = { readonly id: string; readonly login: string };

export type Permission = 'admin' | 'write' | 'read' | 'none';

/** What the local forge can do besides. */
export type LocalForge = Forge & {
  /** Gives the commit that the target branch is at afterwards. */
  mergePull(number: number, options: { readonly expectedSha?: string }, signal: AbortSignal): Promise<string>;
  closePull(number: number, signal: AbortSignal): Promise<void>;
};

/** What GitHub can do besides. */
export type GithubForge = Forge & {
  /** Credentials to fetch from the repository with git: the token, or an installation token of the App (lives an hour). */
  gitCredentials(signal?: AbortSignal): Promise<{ readonly username: string; readonly password: Secret }>;
};
