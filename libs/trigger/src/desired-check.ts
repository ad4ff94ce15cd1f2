import { keys, type CheckAnnotation, type CheckConclusion, type CheckReport, type Problem } from '@sluice/model';
import { annotationsOf } from './log-annotations.ts';
import { cut, escapeMarkdown, formatElapsed, logBlock, markdownTable, reportLimits, type Mask } from './report-text.ts';
import { failingStep, isFinished, stepsOf, type ReportedWorkflow, type StepView } from './workflow-view.ts';

export type CheckOptions = {
  /** The failing step's log, or as much of its end as is at hand: remarks about places of the commit are read from it. */
  readonly log?: string;
  /** Lines of the log that the check shows, from its end. */
  readonly tailLines?: number;
  readonly mask?: Mask;
  readonly detailsUrl?: string;
};

/** What the commit should say about a run, from its Workflow as it is now. Pure. */
export function desiredCheck(workflow: ReportedWorkflow, options: CheckOptions = {}): CheckReport {
  const mask = options.mask ?? ((text) => text);
  const conclusion = conclusionOf(workflow);
  // Masked before anything is read from it, so that no part of it can hold a secret.
  const log = conclusion && conclusion !== 'success' && options.log ? mask(options.log) : undefined;
  const tail = log && lastLines(log, options.tailLines ?? 50);
  const annotations = log ? annotationsOf(log) : [];
  return {
    ...identityOf(workflow),
    status: conclusion ? 'completed' : workflow.status?.phase === 'Running' ? 'in_progress' : 'queued',
    ...(conclusion ? { conclusion } : {}),
    title: cut(mask(titleOf(workflow, conclusion)), reportLimits.title),
    summary: cut(mask(summaryOf(workflow)), reportLimits.text),
    ...(tail ? { text: logText(tail, failingStep(workflow)) } : {}),
    ...(annotations.length > 0 ? { annotations } : {}),
    ...timesOf(workflow),
    ...(options.detailsUrl ? { detailsUrl: options.detailsUrl } : {}),
    ...(conclusion === 'success' ? {} : { actions: [conclusion ? rerunAction : cancelAction] }),
  };
}

function identityOf({ metadata }: ReportedWorkflow): Pick<CheckReport, 'name' | 'externalId' | 'sha'> {
  const { labels = {}, name } = metadata;
  return { name: labels[keys.pipeline] ?? name, externalId: checkOf({ metadata }), sha: labels[keys.sha] ?? '' };
}

/** External id of the check that shows a run. */
export function checkOf({ metadata: { annotations = {}, uid, name } }: Pick<ReportedWorkflow, 'metadata'>): string {
  return annotations[keys.check] ?? uid ?? name;
}

function timesOf(workflow: ReportedWorkflow): Pick<CheckReport, 'startedAt' | 'completedAt'> {
  const { startedAt, finishedAt } = workflow.status ?? {};
  return {
    ...(startedAt ? { startedAt } : {}),
    ...(finishedAt && isFinished(workflow) ? { completedAt: finishedAt } : {}),
  };
}

function conclusionOf(workflow: ReportedWorkflow): CheckConclusion | undefined {
  if (!isFinished(workflow)) return undefined;
  if (workflow.status?.phase === 'Succeeded') return 'success';
  return workflow.spec?.shutdown ? 'cancelled' : 'failure';
}

function titleOf(workflow: ReportedWorkflow, conclusion: CheckConclusion | undefined): string {
  const steps = stepsOf(workflow);
  const { startedAt, finishedAt, message } = workflow.status ?? {};
  if (!conclusion) return workflow.status?.phase === 'Running' ? progressTitle(steps) : 'Waiting to start';
  const elapsed = formatElapsed(startedAt ?? undefined, finishedAt ?? undefined);
  if (conclusion === 'success') return `${counted(steps.length, 'step')} succeeded${elapsed ? ` in ${elapsed}` : ''}`;
  if (conclusion === 'cancelled') return `Cancelled${elapsed ? ` after ${elapsed}` : ''}`;
  const blamed = failingStep(workflow);
  if (!blamed) return message ? `Failed: ${message}` : 'Failed';
  return `Step "${blamed.name}" failed${blamed.message ? `: ${blamed.message}` : ''}`;
}

/** How far it is, and what holds up a step that cannot start: nobody should have to wait for the timeout to learn that. */
function progressTitle(steps: readonly StepView[]): string {
  const done = steps.filter(({ finishedAt: end }) => end !== undefined).length;
  const stuck = steps.find(({ phase, message }) => phase === 'Pending' && stuckReason.test(message ?? ''));
  return `${done} of ${counted(steps.length, 'step')} done${stuck ? `; step "${stuck.name}" cannot start: ${stuck.message}` : ''}`;
}

/** Reasons of a waiting container that seldom pass by themselves. */
const stuckReason =
  /^(?:ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|CreateContainerConfigError|CreateContainerError)\b/;

function summaryOf(workflow: ReportedWorkflow): string {
  const rows = stepsOf(workflow).map((step) => {
    const tries = step.attempts > 1 ? ` (${step.attempts} attempts)` : '';
    const note =
      step.phase === 'Failed' || step.phase === 'Error' || step.phase === 'Pending' ? (step.message ?? '') : '';
    return [
      escapeMarkdown(step.name),
      `${phaseMark(step.phase)} ${step.phase}${tries}`,
      formatElapsed(step.startedAt, step.finishedAt),
      escapeMarkdown(cut(note, 300)),
    ];
  });
  const message = workflow.status?.message;
  const whole = message && isFinished(workflow) ? `\n\n${escapeMarkdown(cut(message, 1_000))}` : '';
  return markdownTable(['Step', 'Phase', 'Time', ''], rows) + whole;
}

function phaseMark(phase: string): string {
  switch (phase) {
    case 'Succeeded':
      return '✅';
    case 'Failed':
    case 'Error':
      return '❌';
    case 'Running':
      return '🔄';
    case 'Skipped':
    case 'Omitted':
      return '⏭️';
    default:
      return '⏳';
  }
}

function lastLines(log: string, count: number): string {
  const lines = log.replace(/\n$/, '').split('\n');
  return count === 0 ? '' : lines.slice(-count).join('\n');
}

function logText(log: string, step: StepView | undefined): string {
  const title = step ? `End of the log of step **${escapeMarkdown(step.name)}**:\n\n` : '';
  return title + logBlock(log, reportLimits.text - title.length);
}

/**
 * The check `sluice` about the pipeline files of a commit: failure with an annotation at each place, neutral when there are
 * warnings only. Undefined when there is nothing to say.
 */
export function problemsCheck(sha: string, problems: readonly Problem[]): CheckReport | undefined {
  if (problems.length === 0) return undefined;
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const files = new Set(problems.map(({ file }) => file)).size;
  const counts = [
    errors && counted(errors, 'error'),
    problems.length > errors && counted(problems.length - errors, 'warning'),
  ];
  const rows = problems.map(({ file = '', line, column, message, fix, code }) => {
    const place = [file, line, column].filter((part) => part !== undefined).join(':');
    return [escapeMarkdown(place), escapeMarkdown(cut(message, 500)), escapeMarkdown(cut(fix ?? '', 300)), code];
  });
  const rest = errors > 0 ? 'Pipelines in the files without errors run all the same.\n\n' : '';
  return {
    name: 'sluice',
    externalId: 'sluice-files',
    sha,
    status: 'completed',
    conclusion: errors > 0 ? 'failure' : 'neutral',
    title: `${counts.filter(Boolean).join(' and ')} in ${counted(files, 'pipeline file')}`,
    summary: cut(rest + markdownTable(['Place', 'What is wrong', 'How to mend it', 'Code'], rows), reportLimits.text),
    annotations: problems.slice(0, reportLimits.annotations).flatMap(toAnnotation),
  };
}

function toAnnotation({ file, line = 1, column, severity, code, message, fix, path }: Problem): CheckAnnotation[] {
  if (!file) return [];
  return [
    {
      path: file,
      startLine: line,
      endLine: line,
      ...(column === undefined ? {} : { startColumn: column, endColumn: column }),
      level: severity === 'error' ? 'failure' : 'warning',
      title: code,
      message: [path, message].filter(Boolean).join(': ') + (fix ? `; ${fix}` : ''),
    },
  ];
}

/** A pipeline that was left out. `approvable`: an approval would let it run. */
export type SkippedReport = {
  readonly pipeline: string;
  readonly sha: string;
  /** External id of the check, see {@link checkIdOf}. */
  readonly check: string;
  readonly reason: string;
  readonly code?: string;
  readonly approvable?: boolean;
};

/** Identifiers of the buttons of our checks. */
export const buttons = Object.freeze({ approve: 'approve', cancel: 'cancel', rerunFailed: 'rerun-failed' });

const approveAction = {
  label: 'Approve',
  description: 'Test this commit, without secrets',
  identifier: buttons.approve,
};
const cancelAction = { label: 'Cancel', description: 'Stop this run', identifier: buttons.cancel };
const rerunAction = {
  label: 'Re-run all failed',
  description: 'Run again what failed on this commit',
  identifier: buttons.rerunFailed,
};

/**
 * Why a command was not obeyed, on the commit that it was about. (sha, request) names it, so saying it twice says it
 * once.
 */
export function refusedCommandCheck(sha: string, request: string, reasons: readonly string[]): CheckReport {
  return {
    name: 'sluice command',
    externalId: `command-${request}`,
    sha,
    status: 'completed',
    conclusion: 'neutral',
    title: cut(`Not done: ${reasons[0] ?? ''}`, reportLimits.title),
    summary: cut(reasons.map((reason) => `- ${escapeMarkdown(cut(reason, 1_000))}`).join('\n'), reportLimits.text),
  };
}

/** A neutral check for a pipeline that was left out on purpose, so that a required check does not wait for ever. */
export function skippedCheck(run: SkippedReport): CheckReport {
  const waits = run.code === 'NeedsApproval';
  const refused = run.code === 'SecretNotGranted' || run.code === 'PolicyForbids';
  return {
    name: run.pipeline,
    externalId: run.check,
    sha: run.sha,
    status: 'completed',
    conclusion: waits ? 'action_required' : refused ? 'failure' : 'neutral',
    title: cut(`${waits ? 'Waits' : refused ? 'Refused' : 'Skipped'}: ${run.reason}`, reportLimits.title),
    summary: escapeMarkdown(`The pipeline did not run: ${run.reason}.`),
    ...(waits && run.approvable ? { actions: [approveAction] } : {}),
  };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
