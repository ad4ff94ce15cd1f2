/** A branch or tag that moved. `before` is absent when it is new. */
export type PushEvent = {
  readonly kind: 'push';
  /** Full ref, such as refs/heads/main. */
  readonly ref: string;
  readonly before?: string;
  /** The full commit id that the ref points to now; meaningless when `deleted`. */
  readonly sha: string;
  readonly deleted: boolean;
  /** Message of the commit. */
  readonly message?: string;
};

/** A pull request that was opened, updated, reopened, retargeted or made ready. */
export type PullRequestEvent = {
  readonly kind: 'pull_request';
  readonly number: number;
  /** Head commit of the pull request. */
  readonly sha: string;
  /** Full ref of the target branch, and its commit. */
  readonly baseRef: string;
  readonly baseSha: string;
  /** Full ref of the source branch where that is in the same repository. */
  readonly headRef?: string;
  readonly open: boolean;
  readonly draft: boolean;
  /** True when the commits come from another repository, or when that is not known. */
  readonly fork: boolean;
  /** Who opened it, where that is known. */
  readonly author?: { readonly id: string; readonly login: string };
  readonly message?: string;
};

/** A merge queue made a commit and waits for its checks. */
export type MergeGroupEvent = {
  readonly kind: 'merge_group';
  readonly sha: string;
  /** Full ref of the branch that the queue made for it. */
  readonly ref: string;
  /** Full ref of the target branch, and its commit. */
  readonly baseRef: string;
  readonly baseSha: string;
  readonly message?: string;
};

/** What may start runs. */
export type TriggerEvent = PushEvent | PullRequestEvent | MergeGroupEvent;

/** Runs of code that strangers may have written get no secrets and take their pipelines from the target branch. */
export type Trust = 'trusted' | 'untrusted';

/** Whose code an event runs. */
export function trustOf(event: TriggerEvent): Trust {
  return event.kind === 'pull_request' && event.fork ? 'untrusted' : 'trusted';
}

/** The commit whose `.sluice/` says what runs. */
export function configShaOf(event: TriggerEvent): string {
  return event.kind === 'pull_request' && event.fork ? event.baseSha : event.sha;
}

/** The ref that a run of this event names: the pushed one, the queue's, or `refs/pull/<number>/head`. */
export function refOf(event: TriggerEvent): string {
  return event.kind === 'pull_request' ? `refs/pull/${event.number}/head` : event.ref;
}

/**
 * External id of the check of a pipeline that an event itself runs or leaves out. For pull requests it is that of the
 * run too, so that a check which waits for approval becomes the check of the run.
 */
export function checkIdOf(event: TriggerEvent, pipeline: string): string {
  return event.kind === 'pull_request'
    ? `pull_request-${event.number}-${pipeline}`
    : `skipped-${event.kind}-${pipeline}`;
}

/** Branches that GitHub's merge queue makes for itself; they are tested because the queue asks, not because they are pushed. */
const queueBranch = /^refs\/heads\/gh-readonly-queue\/(.+)\/pr-[0-9]+-([0-9a-f]{40})$/;

/** The merge group that a branch of the queue stands for: its name tells the target branch and its commit. */
export function mergeGroupOf(ref: string, sha: string): MergeGroupEvent | undefined {
  const [, base, baseSha] = queueBranch.exec(ref) ?? [];
  if (base === undefined || baseSha === undefined) return undefined;
  return { kind: 'merge_group', ref, sha, baseRef: `refs/heads/${base}`, baseSha };
}
