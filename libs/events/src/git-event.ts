/** Who did it, by the forge's numeric id. The login is for showing only: it can be changed and taken over. */
export type Actor = { readonly id: string; readonly login: string };

/** The repository that the forge says the event is about. Compare it with the Repository that the route picked. */
export type EventRepository = {
  /** The forge's numeric id. */
  readonly id: string;
  /** `owner/name`. */
  readonly fullName: string;
  readonly defaultBranch?: string;
};

/** The forge's all-zero object id: the ref was not there before, or is gone now. */
export const noCommit = '0'.repeat(40);

/** A branch or tag moved. */
export type PushEvent = {
  readonly kind: 'push';
  readonly delivery: string;
  readonly repository: EventRepository;
  readonly actor?: Actor;
  /** Full ref: refs/heads/main, refs/tags/v1. */
  readonly ref: string;
  readonly refKind: 'branch' | 'tag';
  readonly name: string;
  /** {@link noCommit} for a new ref. */
  readonly before: string;
  /** The commit that the ref names now, also behind an annotated tag; {@link noCommit} for a deleted ref. */
  readonly after: string;
  readonly created: boolean;
  readonly deleted: boolean;
  readonly forced: boolean;
  /** Of the commit at the tip; absent for a deletion. */
  readonly message?: string;
};

export type PullAction = 'opened' | 'synchronize' | 'reopened' | 'ready' | 'closed';

/** A pull request changed in a way that matters to runs. */
export type PullRequestEvent = {
  readonly kind: 'pull_request';
  readonly delivery: string;
  readonly repository: EventRepository;
  readonly actor?: Actor;
  readonly action: PullAction;
  readonly number: number;
  readonly title: string;
  readonly draft: boolean;
  /** Only with action `closed`. */
  readonly merged: boolean;
  /** Who opened it. */
  readonly author?: Actor;
  /** The commit to test. */
  readonly sha: string;
  /** Branch it comes from, without refs/heads/, and the id of its repository (absent when that was deleted). */
  readonly headBranch: string;
  readonly headRepositoryId?: string;
  /** True unless the head is known to be in the same repository. */
  readonly fork: boolean;
  readonly baseBranch: string;
  /** {@link noCommit} where the forge does not say. */
  readonly baseSha: string;
};

/** Somebody wrote under a pull request. It names no commit: which one is meant must be asked of the forge. */
export type CommentEvent = {
  readonly kind: 'comment';
  readonly delivery: string;
  readonly repository: EventRepository;
  readonly actor: Actor;
  /** The pull request. */
  readonly number: number;
  /** The forge's id of the comment. */
  readonly comment: string;
  readonly body: string;
};

/** Somebody pressed a button of a check: run it again, run everything of the commit again, or one of our own buttons. */
export type ButtonEvent = {
  readonly kind: 'button';
  readonly delivery: string;
  readonly repository: EventRepository;
  readonly actor: Actor;
  /** The commit. */
  readonly sha: string;
  /** `rerun` and `rerun-all` are the forge's; any other is the identifier that we gave the button. */
  readonly button: string;
  /** External id of the check; absent for the whole commit. */
  readonly check?: string;
};

/** A merge queue asks whether a commit that it made may become the target branch. */
export type MergeGroupEvent = {
  readonly kind: 'merge_group';
  readonly delivery: string;
  readonly repository: EventRepository;
  readonly actor?: Actor;
  /** Full ref of the branch that the queue made. */
  readonly headRef: string;
  readonly sha: string;
  readonly baseRef: string;
  readonly baseSha: string;
};

/** Something changed that the delivery does not tell in full: the heads of the repository say what. */
export type LookEvent = {
  readonly kind: 'look';
  readonly delivery: string;
  readonly repository: EventRepository;
  readonly actor?: Actor;
};

/** The forge checks whether the webhook is reachable. */
export type PingEvent = { readonly kind: 'ping'; readonly delivery: string; readonly repository?: EventRepository };

/** Well formed, but nothing for us. */
export type IgnoredEvent = { readonly kind: 'ignored'; readonly delivery: string; readonly reason: string };

/** What a webhook delivery says, in one form for all forges. */
export type GitEvent =
  PushEvent | PullRequestEvent | CommentEvent | ButtonEvent | MergeGroupEvent | LookEvent | PingEvent | IgnoredEvent;
