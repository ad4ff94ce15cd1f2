import { keys } from '@sluice/model';
import type { Command } from './comment-command.ts';
import { buttons, checkOf } from './desired-check.ts';
import { isFinished, type ReportedWorkflow } from './workflow-view.ts';

/** A run of a commit, as far as commands are about it. */
export type CommandedRun = {
  readonly workflow: string;
  readonly pipeline: string;
  /** External id of its check. */
  readonly check: string;
  readonly ref: string;
  readonly pullRequest?: number;
  /** Later runs have a higher one. */
  readonly order: number;
  readonly state: 'active' | 'succeeded' | 'failed';
};

/** An open pull request and its head, as the forge has them now. */
export type CommandedPull = {
  readonly number: number;
  readonly sha: string;
  /** Full ref of the source branch where that is in the same repository. */
  readonly headRef?: string;
  readonly fork: boolean;
};

/** What a command comes down to. */
export type CommandAction =
  /** Let this commit of a fork be tested, and test it. */
  | { readonly kind: 'approve'; readonly sha: string; readonly pullRequest: number }
  /** Take approvals of a pull request back. */
  | { readonly kind: 'revoke'; readonly pullRequest: number }
  /** Run pipelines of the pull request, all or one. */
  | { readonly kind: 'run'; readonly pipeline?: string }
  /** The same run once more. */
  | { readonly kind: 'rerun'; readonly workflow: string }
  | { readonly kind: 'cancel'; readonly workflow: string };

/** What to do, in this order, and why the rest is not done. */
export type CommandDecision = { readonly actions: readonly CommandAction[]; readonly refusals: readonly string[] };

/** What the commands of a comment come down to, given the head of the pull request and the runs of that commit. Pure. */
export function decideCommands(
  commands: readonly Command[],
  pull: CommandedPull,
  runs: readonly CommandedRun[],
): CommandDecision {
  const own = runs.filter(({ pullRequest, ref }) => pullRequest === pull.number || ref === pull.headRef);
  return join(commands.map((command) => decideCommand(command, pull, own)));
}

function decideCommand(command: Command, pull: CommandedPull, runs: readonly CommandedRun[]): CommandDecision {
  switch (command.kind) {
    case 'approve':
      return decideApproval(command.sha, pull);
    case 'test':
      return act({ kind: 'run', ...(command.pipeline === undefined ? {} : { pipeline: command.pipeline }) });
    case 'retest':
      return rerunFailed(pull.sha, runs);
    case 'cancel': {
      const revoked = pull.fork && command.pipeline === undefined;
      const stopped = cancelOf(runs, command.pipeline);
      if (revoked) return act({ kind: 'revoke', pullRequest: pull.number }, ...stopped);
      return stopped.length > 0 ? act(...stopped) : refuse(`nothing${named(command.pipeline)} is running`);
    }
    default:
      return command satisfies never;
  }
}

/** An approval is for the commit that somebody has read; the head may be another by now. */
function decideApproval(sha: string, pull: CommandedPull): CommandDecision {
  if (!pull.fork) return refuse(`pull request ${pull.number} comes from this repository and needs no approval`);
  if (sha !== pull.sha) {
    return refuse(
      `commit ${sha} is not the head of pull request ${pull.number}: that is ${pull.sha}; read it, then approve it`,
    );
  }
  return act({ kind: 'approve', sha, pullRequest: pull.number });
}

/** Somebody pressed a button of a check. */
export type CommandedButton = {
  readonly sha: string;
  readonly button: string;
  /** External id of the check; absent for the whole commit. */
  readonly check?: string;
};

/** What a button comes down to. `pulls` are the open pull requests whose head is the commit. Pure. */
export function decideButton(
  { sha, button, check }: CommandedButton,
  pulls: readonly CommandedPull[],
  runs: readonly CommandedRun[],
): CommandDecision {
  switch (button) {
    case buttons.approve: {
      const pull = pulls.find(({ number }) => check?.startsWith(`pull_request-${number}-`));
      if (!pull) return refuse(`commit ${sha} is not the head of an open pull request any more`);
      return decideApproval(sha, pull);
    }
    case buttons.cancel: {
      const stopped = cancelOf(runs.filter((run) => run.check === check));
      return stopped.length > 0 ? act(...stopped) : refuse('this run has ended already');
    }
    case buttons.rerunFailed:
      return rerunFailed(sha, runs);
    case 'rerun':
      return rerunCheck(check, pulls, runs);
    case 'rerun-all': {
      const ended = latestOf(runs).filter(({ state }) => state !== 'active');
      return ended.length > 0 ? act(...ended.map(rerunOf)) : refuse(`no run of commit ${sha} has ended`);
    }
    default:
      return refuse(`there is no button ${JSON.stringify(button.slice(0, 60))}`);
  }
}

/** "Re-run" of one check: of the run that it shows, or of the pipeline that it says was left out. */
function rerunCheck(
  check: string | undefined,
  pulls: readonly CommandedPull[],
  runs: readonly CommandedRun[],
): CommandDecision {
  const shown = runs.find((run) => run.check === check);
  const latest = shown && latestOf(runs).find(({ pipeline, ref }) => pipeline === shown.pipeline && ref === shown.ref);
  if (latest) return latest.state === 'active' ? refuse(`${latest.pipeline} is running`) : act(rerunOf(latest));
  for (const { number } of pulls) {
    const prefix = `pull_request-${number}-`;
    if (check?.startsWith(prefix)) return act({ kind: 'run', pipeline: check.slice(prefix.length) });
  }
  return refuse('this check shows no run of its own; run again the pipeline that it follows from');
}

function rerunFailed(sha: string, runs: readonly CommandedRun[]): CommandDecision {
  const failed = latestOf(runs).filter(({ state }) => state === 'failed');
  return failed.length > 0 ? act(...failed.map(rerunOf)) : refuse(`no run of commit ${sha} has failed`);
}

/** The last run of each pipeline and ref. */
function latestOf(runs: readonly CommandedRun[]): CommandedRun[] {
  const latest = new Map<string, CommandedRun>();
  for (const run of runs.toSorted((a, b) => a.order - b.order)) latest.set(`${run.pipeline} ${run.ref}`, run);
  return [...latest.values()];
}

function cancelOf(runs: readonly CommandedRun[], pipeline?: string): CommandAction[] {
  return runs
    .filter((run) => run.state === 'active' && (pipeline === undefined || run.pipeline === pipeline))
    .map(({ workflow }) => ({ kind: 'cancel', workflow }));
}

function rerunOf({ workflow }: CommandedRun): CommandAction {
  return { kind: 'rerun', workflow };
}

function named(pipeline: string | undefined): string {
  return pipeline === undefined ? '' : ` of ${pipeline}`;
}

function act(...actions: readonly CommandAction[]): CommandDecision {
  return { actions, refusals: [] };
}

function refuse(reason: string): CommandDecision {
  return { actions: [], refusals: [reason] };
}

function join(decisions: readonly CommandDecision[]): CommandDecision {
  return {
    actions: decisions.flatMap(({ actions }) => actions),
    refusals: decisions.flatMap(({ refusals }) => refusals),
  };
}

/** A Workflow as commands see it. */
export function toCommandedRun(workflow: ReportedWorkflow): CommandedRun {
  const { name, labels = {}, annotations = {} } = workflow.metadata;
  const pullRequest = Number(labels[keys.pullRequest]);
  const ended = workflow.status?.phase === 'Succeeded' ? 'succeeded' : 'failed';
  return {
    workflow: name,
    pipeline: labels[keys.pipeline] ?? name,
    check: checkOf(workflow),
    ref: annotations[keys.ref] ?? '',
    order: Number(annotations[keys.order] ?? 0),
    state: isFinished(workflow) ? ended : 'active',
    ...(Number.isSafeInteger(pullRequest) && pullRequest > 0 ? { pullRequest } : {}),
  };
}
