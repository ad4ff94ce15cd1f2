import { formatProblem, type Problem } from '@sluice/model';
import { formatTime, parseTime } from '../pass.ts';
import type { FindStored } from '../validate/walk.ts';
import { validateManifest } from '../validate/validate-manifest.ts';
import { isFinished, type Workflow, type WorkflowCondition } from '../workflow-types.ts';
import { activeRunOf, buildCronChild, cronLabel } from './cron-child.ts';
import { type Answer, evaluateCronWhen, evaluateStop } from './cron-expressions.ts';
import { type CronStatus, type CronWorkflow, scheduleTexts } from './cron-types.ts';
import { nextTime, nextTimeOf } from './next-time.ts';
import { parseSchedule, type Schedule } from './parse-schedule.ts';

const lastUsedAnnotation = 'cronworkflows.argoproj.io/last-used-schedule';
const completedLabel = 'cronworkflows.argoproj.io/completed';

/** From when on a controller has kept the schedules in view: what was due before is missed, not due. */
export type CronWatch = { readonly schedules: string; readonly since: number };

export type CronInput = {
  readonly cron: CronWorkflow;
  /** Runs of this CronWorkflow. */
  readonly workflows: readonly Workflow[];
  readonly now: number;
  /** What {@link CronDecision.watch} was the last time; undefined after a restart. */
  readonly watch?: CronWatch | undefined;
  readonly stored?: FindStored;
};

/** What to do, in this order, and what to write. The same status object comes back when nothing changed. */
export type CronDecision = {
  readonly status: CronStatus;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Names of runs to terminate. */
  readonly terminate: readonly string[];
  readonly create?: { readonly workflow: Workflow; readonly scheduledAt: number };
  /** Names of finished runs to delete. */
  readonly remove: readonly string[];
  readonly watch: CronWatch;
  readonly nextLookAt?: number;
};

/** Decide about a CronWorkflow. Pure. */
export function decideCron(input: CronInput): CronDecision {
  const { cron, now } = input;
  const own = input.workflows.filter(({ metadata }) => metadata.labels?.[cronLabel] === cron.metadata.name);
  const texts = scheduleTexts(cron.spec ?? {});
  const schedules = texts.join(',');
  const kept = input.watch?.schedules === schedules ? input.watch.since : undefined;
  const counted = countFinished(cron, own);
  const base: CronDecision = {
    status: counted,
    labels: {},
    annotations: {},
    terminate: [],
    remove: surplusRuns(cron, own),
    watch: { schedules, since: now },
  };
  const problems = validateManifest(cron, input.stored ? { stored: input.stored } : {});
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { ...base, status: withCondition(counted, 'SpecError', describe(errors)) };
  const parsed = texts.flatMap((text) => scheduleOf(text));
  const free = withoutCondition(counted, 'SpecError');
  const checked =
    problems.length > 0
      ? withCondition(free, 'SpecWarning', describe(problems))
      : withoutCondition(free, 'SpecWarning');
  const stop = evaluateStop({ ...cron, status: checked }, now);
  if (!stop.ok)
    return {
      ...base,
      status: withCondition(
        checked,
        'SpecError',
        `failed to check CronWorkflow '${cron.metadata.name}' stopping condition: ${stop.message}`,
      ),
    };
  if (stop.value || cron.metadata.labels?.[completedLabel] === 'true')
    return { ...base, status: { ...checked, phase: 'Stopped' }, labels: { [completedLabel]: 'true' } };
  const nextLookAt = nextTimeOf(parsed, now);
  const ready = { ...base, status: checked, ...(nextLookAt === undefined ? {} : { nextLookAt }) };
  const due = kept === undefined ? missedTime(cron, parsed, now) : lastDue(parsed, kept, now);
  return due === undefined ? ready : run(cron, ready, due, now);
}

function describe(problems: readonly Problem[]): string {
  return problems
    .map(({ path, message, ...rest }) => formatProblem({ ...rest, message, ...(path ? { path } : {}) }))
    .join('; ')
    .slice(0, 1_024);
}

function scheduleOf(text: string): readonly Schedule[] {
  const parsed = parseSchedule(text);
  return parsed.ok ? [parsed.schedule] : [];
}

const maxCatchUp = 100_000;

/** The latest time after `since` that is due now. What was due before that is made up by it. */
function lastDue(schedules: readonly Schedule[], since: number, now: number): number | undefined {
  return latestOf(schedules.map((schedule) => lastOf(schedule, since, now)));
}

/** The last time of a schedule after `since` and not after `now`. */
function lastOf(schedule: Schedule, since: number, now: number): number | undefined {
  let found: number | undefined;
  // A long absence is not walked through step by step: its last two days are what can matter.
  const days = 2 * 86_400_000;
  for (const from of now - since > days ? [now - days, since] : [since]) {
    let next = nextTime(schedule, from);
    for (let count = 0; next !== undefined && next <= now && count < maxCatchUp; count++) {
      found = next;
      next = nextTime(schedule, next);
    }
    if (found !== undefined) return found;
  }
  return undefined;
}

function latestOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** The missed time that is made up after a restart: the last one of a schedule that is still within the starting deadline. */
function missedTime(cron: CronWorkflow, schedules: readonly Schedule[], now: number): number | undefined {
  const { startingDeadlineSeconds } = cron.spec ?? {};
  const last = parseTime(cron.status?.lastScheduledTime);
  if (last === undefined || startingDeadlineSeconds === undefined || isNewSchedule(cron)) return undefined;
  for (const schedule of schedules) {
    const missed = lastOf(schedule, last, now - 1);
    if (missed !== undefined && now < missed + startingDeadlineSeconds * 1_000) return missed;
  }
  return undefined;
}

function isNewSchedule(cron: CronWorkflow): boolean {
  return cron.metadata.annotations?.[lastUsedAnnotation] !== scheduleTexts(cron.spec ?? {}).join(',');
}

function run(cron: CronWorkflow, base: CronDecision, scheduledAt: number, now: number): CronDecision {
  const noted = { ...base, annotations: { [lastUsedAnnotation]: scheduleTexts(cron.spec ?? {}).join(',') } };
  const { status } = base;
  const { suspend, concurrencyPolicy } = cron.spec ?? {};
  if (suspend === true) return noted;
  const proceed: Answer = evaluateCronWhen({ ...cron, status }, now);
  if (!proceed.ok) return { ...noted, status: failSubmission(status, `run policy error: ${proceed.message}`) };
  if (!proceed.value) return noted;
  const active = status.active ?? [];
  if (concurrencyPolicy === 'Forbid' && active.length > 0) return noted;
  const terminate = concurrencyPolicy === 'Replace' ? active.map(({ name }) => name) : [];
  return { ...noted, terminate, create: { workflow: buildCronChild(cron, scheduledAt), scheduledAt } };
}

/** The status once a run was created. */
export function recordRun(status: CronStatus, created: Workflow, scheduledAt: number): CronStatus {
  return {
    ...withoutCondition(status, 'SubmissionError'),
    active: [...(status.active ?? []), activeRunOf(created)],
    phase: 'Active',
    lastScheduledTime: formatTime(scheduledAt),
  };
}

/** The status when a run could not be created: it counts as failed. */
export function failSubmission(status: CronStatus, message: string): CronStatus {
  return { ...withCondition(status, 'SubmissionError', message), failed: (status.failed ?? 0) + 1 };
}

/** Take up runs that are under way, drop those that have ended and count how. */
function countFinished({ status = {} }: CronWorkflow, workflows: readonly Workflow[]): CronStatus {
  const byUid = new Map(workflows.map((workflow) => [workflow.metadata.uid, workflow]));
  const known = status.active ?? [];
  const uids = new Set(known.map(({ uid }) => uid));
  const found = workflows.filter(({ metadata, status: run }) => !uids.has(metadata.uid) && !isFinished(run?.phase));
  const ended = known.filter(({ uid }) => {
    const workflow = byUid.get(uid);
    return !workflow || isFinished(workflow.status?.phase);
  });
  if (found.length === 0 && ended.length === 0) return status;
  const phases = ended.map(({ uid }) => byUid.get(uid)?.status?.phase);
  const succeeded = phases.filter((phase) => phase === 'Succeeded').length;
  const failed = phases.filter((phase) => phase === 'Failed' || phase === 'Error').length;
  return {
    ...status,
    active: [...known.filter((run) => !ended.includes(run)), ...found.map(activeRunOf)],
    ...(succeeded > 0 ? { succeeded: (status.succeeded ?? 0) + succeeded } : {}),
    ...(failed > 0 ? { failed: (status.failed ?? 0) + failed } : {}),
  };
}

/** Finished runs beyond the history limits, the oldest. */
function surplusRuns({ spec = {} }: CronWorkflow, workflows: readonly Workflow[]): readonly string[] {
  const ended = workflows
    .filter(({ status }) => isFinished(status?.phase))
    .toSorted((a, b) => (parseTime(b.status?.finishedAt) ?? 0) - (parseTime(a.status?.finishedAt) ?? 0));
  const beyond = (limit: number | undefined, fallback: number, succeeded: boolean): readonly string[] =>
    ended
      .filter(({ status }) => (status?.phase === 'Succeeded') === succeeded)
      .slice(limit !== undefined && limit >= 0 ? limit : fallback)
      .map(({ metadata }) => metadata.name);
  return [...beyond(spec.successfulJobsHistoryLimit, 3, true), ...beyond(spec.failedJobsHistoryLimit, 1, false)];
}

function withCondition(status: CronStatus, type: string, message: string): CronStatus {
  const wanted: WorkflowCondition = { type, status: 'True', message };
  const present = status.conditions?.find((condition) => condition.type === type);
  if (present?.message === message && present.status === 'True') return status;
  return { ...status, conditions: [...(status.conditions ?? []).filter((other) => other.type !== type), wanted] };
}

function withoutCondition(status: CronStatus, type: string): CronStatus {
  if (!status.conditions?.some((condition) => condition.type === type)) return status;
  return { ...status, conditions: status.conditions.filter((condition) => condition.type !== type) };
}

/** When schedules are due, for showing it to people: the next `count` instants after `after`. */
export function upcomingTimes(
  spec: NonNullable<CronWorkflow['spec']>,
  after: number,
  count: number,
): readonly number[] {
  const schedules = scheduleTexts(spec).flatMap((text) => scheduleOf(text));
  const times: number[] = [];
  for (let at = nextTimeOf(schedules, after); at !== undefined && times.length < count; at = nextTimeOf(schedules, at))
    times.push(at);
  return times;
}
