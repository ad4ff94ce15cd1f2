import { checkSource } from '@sluice/expr';
import type { Problem } from '@sluice/model';
import type { CronSpec } from '../cron/cron-types.ts';
import { isTimeZone } from '../cron/next-time.ts';
import { parseSchedule } from '../cron/parse-schedule.ts';
import { didYouMean } from './suggestion.ts';

const policies = ['Allow', 'Forbid', 'Replace'];

/** What is wrong with the part of a CronWorkflow that says when its workflow runs. */
export function cronProblems(spec: Readonly<Record<string, unknown>>): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (code: string, path: string, message: string, fix?: string): void => {
    problems.push({ code, severity: 'error', path, message, ...(fix ? { fix } : {}) });
  };
  const { timezone, concurrencyPolicy, startingDeadlineSeconds, stopStrategy, schedule } = spec as CronSpec;
  checkSchedules(spec, add);
  if (schedule !== undefined)
    problems.push({
      code: 'FieldLegacy',
      severity: 'warning',
      path: 'spec.schedule',
      message: 'schedule is of Argo Workflows 3.x and is taken for schedules',
      fix: 'write schedules with one item',
    });
  if (typeof timezone === 'string' && timezone !== '' && !isTimeZone(timezone))
    add('TimeZoneUnknown', 'spec.timezone', `invalid timezone "${timezone}"`, 'use a name such as Europe/Berlin');
  if (concurrencyPolicy && !policies.includes(concurrencyPolicy))
    add(
      'ConcurrencyPolicyUnknown',
      'spec.concurrencyPolicy',
      `'${concurrencyPolicy}' is not a valid concurrencyPolicy`,
      didYouMean(concurrencyPolicy, policies),
    );
  if (typeof startingDeadlineSeconds === 'number' && startingDeadlineSeconds < 0)
    add('DeadlineInvalid', 'spec.startingDeadlineSeconds', 'startingDeadlineSeconds must be positive');
  const wrong = stopStrategy?.expression ? checkSource(stopStrategy.expression) : undefined;
  if (wrong !== undefined) add('ExpressionInvalid', 'spec.stopStrategy.expression', wrong);
  return problems;
}

function checkSchedules(
  { schedules, schedule }: CronSpec & Readonly<Record<string, unknown>>,
  add: (code: string, path: string, message: string) => void,
): void {
  const list: readonly unknown[] = Array.isArray(schedules) ? schedules : [];
  const all = [
    ...list.map((text, index) => [text, `spec.schedules[${index}]`] as const),
    ...(list.length === 0 && schedule !== undefined ? [[schedule, 'spec.schedule'] as const] : []),
  ];
  if (all.length === 0) add('ScheduleMissing', 'spec.schedules', 'cron workflow must have at least one schedule');
  for (const [text, path] of all) {
    const parsed = typeof text === 'string' ? parseSchedule(text) : undefined;
    if (!parsed) add('ScheduleInvalid', path, `cron schedule ${JSON.stringify(text)} is malformed: it is not a text`);
    else if (!parsed.ok) add('ScheduleInvalid', path, `cron schedule ${String(text)} is malformed: ${parsed.message}`);
  }
}
