/** A remark at a place of the commit. Lines and columns count from 1; columns only where start and end line are one. */
export type CheckAnnotation = {
  /** Path in the repository, without a leading `./`. */
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly startColumn?: number;
  readonly endColumn?: number;
  readonly level: 'failure' | 'warning' | 'notice';
  readonly title?: string;
  readonly message: string;
};

/** A button of a check: label at most 20 characters, description 40, identifier 20. */
export type CheckAction = { readonly label: string; readonly description: string; readonly identifier: string };

export type CheckConclusion =
  'success' | 'failure' | 'cancelled' | 'neutral' | 'skipped' | 'timed_out' | 'action_required';

/**
 * What a commit should say about one run. (repository, sha, externalId) names the check: writing it again replaces it.
 * `conclusion` is present exactly when `status` is completed. Times are RFC 3339. Texts are Markdown within the forge's limits.
 */
export type CheckReport = {
  readonly name: string;
  readonly externalId: string;
  readonly sha: string;
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion?: CheckConclusion;
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  readonly annotations?: readonly CheckAnnotation[];
  readonly startedAt?: string;
  readonly completedAt?: string;
  readonly detailsUrl?: string;
  /** Buttons, at most three, where the forge has them. */
  readonly actions?: readonly CheckAction[];
};

export type DeploymentState = 'queued' | 'in_progress' | 'success' | 'failure' | 'error' | 'inactive';

/** What a commit should say about its deployment to one environment. (repository, externalId) names it. */
export type DeploymentReport = {
  readonly externalId: string;
  readonly sha: string;
  /** Full ref, such as refs/heads/main. */
  readonly ref: string;
  readonly environment: string;
  readonly state: DeploymentState;
  /** At most 140 characters. */
  readonly description: string;
  readonly environmentUrl?: string;
  readonly logUrl?: string;
};
