import { matchesAnyGlob } from '@sluice/model';
import type { ForkAnswer } from './trust-policy.ts';
import {
  mergeGroupOf,
  trustOf,
  type MergeGroupEvent,
  type PullRequestEvent,
  type PushEvent,
  type TriggerEvent,
  type Trust,
} from './trigger-event.ts';

type PushFilter = {
  readonly branches?: readonly string[];
  readonly tags?: readonly string[];
  readonly paths?: readonly string[];
};
type PullRequestFilter = { readonly branches?: readonly string[]; readonly paths?: readonly string[] };

type DeployFilter = { readonly push?: PushFilter; readonly pullRequest?: PullRequestFilter };

/** What the decision reads of a pipeline: the Pipeline of libs/pipeline has this shape. */
export type TriggeredPipeline = {
  readonly name: string;
  readonly on: { readonly push?: PushFilter; readonly pullRequest?: PullRequestFilter };
  readonly deploy: readonly DeployFilter[];
};

export type TriggerInput<P extends TriggeredPipeline> = {
  readonly event: TriggerEvent;
  readonly pipelines: readonly P[];
  /** Paths that the event changed; 'unknown' lets every path filter pass. See {@link needsChangedPaths}. */
  readonly changedPaths: readonly string[] | 'unknown';
  /** False when the ref points elsewhere by now: a late event runs, but deploys nothing. */
  readonly current: boolean;
  readonly policy?: TriggerPolicy;
  /** Whether a pull request of a fork may run; asked for these only. Absent: it may not. */
  readonly fork?: ForkAnswer;
  /** Somebody asked for it: skips, drafts and paths do not count. */
  readonly request?: RunRequest;
};

/** A command to run a pull request's pipelines. */
export type RunRequest = {
  /** Tells this request from any other: `comment:<id>`. */
  readonly key: string;
  /** Only this pipeline. */
  readonly pipeline?: string;
};

/** What the repository allows. */
export type TriggerPolicy = { readonly runDrafts?: boolean };

/** A run to start. (repository, sha, pipeline, triggerKey) names it. */
export type DecidedRun<P extends TriggeredPipeline> = {
  readonly pipeline: P;
  readonly triggerKey: string;
  readonly trust: Trust;
  readonly deploys: readonly P['deploy'][number][];
  readonly reason: string;
};

/** Why a pipeline does not run. `visible` ones are shown as neutral checks, so that required checks pass. */
export type SkippedRun<P extends TriggeredPipeline> = {
  readonly pipeline: P;
  readonly code:
    | 'Deleted'
    | 'NotTriggered'
    | 'Closed'
    | 'CoveredByPush'
    | 'SkipCi'
    | 'Draft'
    | 'NoPathChanged'
    | 'NeedsApproval'
    | 'NotAsked'
    | 'SecretNotGranted'
    | 'PolicyForbids';
  readonly reason: string;
  readonly visible: boolean;
};

export type TriggerDecision<P extends TriggeredPipeline> = {
  readonly runs: readonly DecidedRun<P>[];
  readonly skipped: readonly SkippedRun<P>[];
};

/** Which pipelines an event runs, with which trust and deployments, and why the others do not. Pure. */
export function decideRuns<P extends TriggeredPipeline>(input: TriggerInput<P>): TriggerDecision<P> {
  const runs: DecidedRun<P>[] = [];
  const skipped: SkippedRun<P>[] = [];
  for (const pipeline of input.pipelines) {
    const verdict = decidePipeline(pipeline, input);
    if ('skip' in verdict) skipped.push({ pipeline, ...verdict.skip });
    else runs.push({ pipeline, trust: trustOf(input.event), deploys: deploysOf(pipeline, input), ...verdict.run });
  }
  return { runs, skipped };
}

/** Whether any pipeline that the event may run, or its deployments, have a path filter: only then need changed paths be worked out. */
export function needsChangedPaths(event: TriggerEvent, pipelines: readonly TriggeredPipeline[]): boolean {
  return pipelines.some(({ on, deploy }) => [on, ...deploy].some((filter) => pathsOf(event, filter) !== undefined));
}

/** Whether any pipeline deploys on this event: only then need it be known that the event is current. */
export function mayDeploy(event: TriggerEvent, pipelines: readonly TriggeredPipeline[]): boolean {
  if (event.kind === 'pull_request')
    return pipelines.some(({ on, deploy }) => on.pullRequest && deploy.some((one) => isPreviewOf(one, event)));
  if (event.kind !== 'push' || event.deleted) return false;
  return pipelines.some(({ on, deploy }) => {
    return on.push && matchesRef(on.push, event.ref) && deploy.some((one) => isDeployOf(one, event.ref));
  });
}

/** Whether pushes of this ref deploy, whatever they changed. */
function isDeployOf({ push, pullRequest }: DeployFilter, ref: string): boolean {
  return push ? matchesRef(push, ref) : !pullRequest;
}

/** Whether this pull request gets a preview, whatever it changed. Forks never do: what they package is not to be run here. */
function isPreviewOf({ pullRequest }: DeployFilter, event: PullRequestEvent): boolean {
  if (!pullRequest || event.fork || !event.open) return false;
  const base = branchOf(event.baseRef);
  return !pullRequest.branches || (base !== undefined && matchesAnyGlob(pullRequest.branches, base));
}

type Skip = Omit<SkippedRun<TriggeredPipeline>, 'pipeline'>;
type Verdict = { readonly skip: Skip } | { readonly run: { readonly triggerKey: string; readonly reason: string } };

function decidePipeline<P extends TriggeredPipeline>(pipeline: P, input: TriggerInput<P>): Verdict {
  const { event } = input;
  const verdict = decideRef(pipeline, input);
  if ('skip' in verdict) return verdict;
  const left = input.request ? undefined : leftOut(pipeline, input);
  if (left) return left;
  if (event.kind !== 'pull_request' || !event.fork || input.fork?.allowed) return verdict;
  return skip('NeedsApproval', input.fork?.reason ?? 'the pull request comes from a fork', true);
}

/** By the kind of event and its ref alone. */
function decideRef(pipeline: TriggeredPipeline, { event, request }: TriggerInput<TriggeredPipeline>): Verdict {
  switch (event.kind) {
    case 'push':
      return decidePush(pipeline, event);
    case 'pull_request':
      return request ? decideRequest(pipeline, event, request) : decidePullRequest(pipeline, event);
    case 'merge_group':
      return decideMergeGroup(pipeline, event);
    default:
      return event satisfies never;
  }
}

/** What nobody asked for in particular is left out for the commit's message, for a draft, for its paths. */
function leftOut(pipeline: TriggeredPipeline, input: TriggerInput<TriggeredPipeline>): Verdict | undefined {
  const { event, policy = {} } = input;
  if (event.message !== undefined && asksToSkip(event.message)) {
    return skip('SkipCi', 'the commit message asks for no run', true);
  }
  if (event.kind === 'pull_request' && event.draft && !policy.runDrafts) {
    return skip('Draft', 'the pull request is a draft; it runs once it is marked as ready', true);
  }
  const paths = pathsOf(event, pipeline.on);
  if (paths && input.changedPaths !== 'unknown' && !input.changedPaths.some((path) => matchesAnyGlob(paths, path))) {
    return skip('NoPathChanged', `none of the changed files is among ${listed(paths)}`, true);
  }
  return undefined;
}

function decideMergeGroup({ on }: TriggeredPipeline, { baseRef, ref }: MergeGroupEvent): Verdict {
  const base = branchOf(baseRef);
  const { pullRequest } = on;
  const runs = pullRequest && (!pullRequest.branches || matchesAnyGlob(pullRequest.branches, base ?? ''));
  if (!runs) return skip('NotTriggered', `the pipeline does not run on pull requests to ${base ?? baseRef}`, false);
  return { run: { triggerKey: `merge_group:${ref}`, reason: `the merge queue of ${base ?? baseRef}` } };
}

function decideRequest(
  pipeline: TriggeredPipeline,
  event: PullRequestEvent,
  { key, pipeline: only }: RunRequest,
): Verdict {
  if (only !== undefined && only !== pipeline.name) return skip('NotAsked', `only ${only} was asked for`, false);
  const verdict = decidePullRequest({ ...pipeline, on: withoutPush(pipeline) }, event);
  return 'skip' in verdict
    ? verdict
    : { run: { triggerKey: key, reason: `asked for on pull request ${event.number}` } };
}

function withoutPush({ on }: TriggeredPipeline): TriggeredPipeline['on'] {
  return on.pullRequest ? { pullRequest: on.pullRequest } : {};
}

function decidePush(pipeline: TriggeredPipeline, event: PushEvent): Verdict {
  if (event.deleted) return skip('Deleted', `${event.ref} was deleted`, false);
  if (mergeGroupOf(event.ref, event.sha)) return skip('NotTriggered', 'the merge queue asks for itself', false);
  const filter = pipeline.on.push;
  if (!filter) return skip('NotTriggered', 'the pipeline does not run on pushes', false);
  if (!matchesRef(filter, event.ref))
    return skip('NotTriggered', `the pipeline does not run on pushes of ${event.ref}`, false);
  return { run: { triggerKey: `push:${event.ref}`, reason: `push of ${event.ref}` } };
}

function decidePullRequest(pipeline: TriggeredPipeline, event: PullRequestEvent): Verdict {
  const filter = pipeline.on.pullRequest;
  if (!event.open) return skip('Closed', `pull request ${event.number} is closed`, false);
  if (!filter) return skip('NotTriggered', 'the pipeline does not run on pull requests', false);
  const base = branchOf(event.baseRef);
  if (filter.branches && (base === undefined || !matchesAnyGlob(filter.branches, base))) {
    return skip('NotTriggered', `the pipeline does not run on pull requests to ${base ?? event.baseRef}`, false);
  }
  const reason = `pull request ${event.number} to ${base ?? event.baseRef}`;
  const push = pipeline.on.push;
  const pushed = event.headRef !== undefined && !event.fork && push && matchesRef(push, event.headRef);
  // A preview belongs to the pull request, so its run does too.
  if (!pushed || pipeline.deploy.some((one) => isPreviewOf(one, event)))
    return { run: { triggerKey: `pull_request:${event.number}`, reason } };
  if (!push.paths) return skip('CoveredByPush', `the push of ${event.headRef} runs the pipeline on this commit`, false);
  // The push may have been skipped for its paths, which cannot be told from here. Sharing its key gives one run at most;
  // only a push that deploys keeps a run of its own.
  const deploys = pipeline.deploy.some((one) => isDeployOf(one, event.headRef ?? ''));
  return { run: { triggerKey: deploys ? `pull_request:${event.number}` : `push:${event.headRef}`, reason } };
}

function deploysOf<P extends TriggeredPipeline>(
  pipeline: P,
  { event, current, changedPaths }: TriggerInput<P>,
): P['deploy'][number][] {
  if (event.kind === 'merge_group' || !current) return [];
  const pathsPass = (paths: readonly string[] | undefined): boolean =>
    !paths || changedPaths === 'unknown' || changedPaths.some((path) => matchesAnyGlob(paths, path));
  return pipeline.deploy.filter((one) =>
    event.kind === 'push'
      ? isDeployOf(one, event.ref) && pathsPass(one.push?.paths)
      : isPreviewOf(one, event) && pathsPass(one.pullRequest?.paths),
  );
}

/** Branches without a filter all match; tags match only where a filter names them; a filter of tags alone leaves branches out. */
function matchesRef({ branches, tags }: PushFilter, ref: string): boolean {
  const tag = ref.startsWith('refs/tags/') ? ref.slice('refs/tags/'.length) : undefined;
  if (tag !== undefined) return tags !== undefined && matchesAnyGlob(tags, tag);
  const branch = branchOf(ref);
  if (branch === undefined) return false;
  return branches ? matchesAnyGlob(branches, branch) : tags === undefined;
}

/** Path filters for an event; a new or moved tag has no changes of its own. */
function pathsOf(event: TriggerEvent, { push, pullRequest }: DeployFilter): readonly string[] | undefined {
  if (event.kind !== 'push') return pullRequest?.paths;
  return branchOf(event.ref) === undefined ? undefined : push?.paths;
}

function branchOf(ref: string): string | undefined {
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
}

function asksToSkip(message: string): boolean {
  return /\[(?:skip ci|ci skip|no ci|skip sluice|sluice skip)\]/i.test(message.slice(0, 65_536));
}

function listed(patterns: readonly string[]): string {
  return patterns.slice(0, 5).join(', ') + (patterns.length > 5 ? ' …' : '');
}

function skip(code: Skip['code'], reason: string, visible: boolean): Verdict {
  return { skip: { code, reason, visible } };
}
