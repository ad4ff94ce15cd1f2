import { argoEnvironment, evaluateCondition, evaluateWhen, Instant, replaceTags, type Value } from '@sluice/expr';
import { parseTime } from '../pass.ts';
import type { CronWorkflow } from './cron-types.ts';

/** The answer of a condition, or what is wrong with it. */
export type Answer = { readonly ok: true; readonly value: boolean } | { readonly ok: false; readonly message: string };

function variablesOf({ metadata, status = {} }: CronWorkflow): Map<string, Value> {
  const last = parseTime(status.lastScheduledTime);
  const texts = (values: Readonly<Record<string, string>> = {}): Value => new Map<Value, Value>(Object.entries(values));
  return new Map<string, Value>([
    ['cronworkflow.name', metadata.name],
    ['cronworkflow.namespace', metadata.namespace ?? ''],
    ['cronworkflow.labels', texts(metadata.labels)],
    ['cronworkflow.labels.json', JSON.stringify(metadata.labels ?? {})],
    ['cronworkflow.annotations', texts(metadata.annotations)],
    ['cronworkflow.annotations.json', JSON.stringify(metadata.annotations ?? {})],
    ['cronworkflow.lastScheduledTime', last === undefined ? null : new Instant(last)],
    ['cronworkflow.succeeded', BigInt(status.succeeded ?? 0)],
    ['cronworkflow.failed', BigInt(status.failed ?? 0)],
  ]);
}

/** Whether `when` lets a run begin: tags are replaced, then the dialect of `when` decides. No condition lets it. */
export function evaluateCronWhen(cron: CronWorkflow, now: number): Answer {
  const { when = '' } = cron.spec ?? {};
  if (when.trim() === '') return { ok: true, value: true };
  const variables = variablesOf(cron);
  const replaced = replaceTags(
    JSON.stringify(when),
    {
      lookUp: (name) => {
        const value = variables.get(name);
        return typeof value === 'string' ? value : undefined;
      },
      environment: () => argoEnvironment(variables, { now }),
    },
    { keepUnresolved: false },
  );
  if (!replaced.ok) return { ok: false, message: replaced.message };
  return evaluateWhen(String(JSON.parse(replaced.text)).trim());
}

/** Whether `stopStrategy` says that no more runs begin. */
export function evaluateStop(cron: CronWorkflow, now: number): Answer {
  const { expression, condition } = cron.spec?.stopStrategy ?? {};
  const source = expression ?? condition;
  if (!source) return { ok: true, value: false };
  return evaluateCondition(source, argoEnvironment(variablesOf(cron), { now }));
}
