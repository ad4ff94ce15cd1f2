import type { Pod } from './workload.ts';
import { podCondition } from './pod-state.ts';
import { parseIndexes } from './job-indexes.ts';

/** `spec.podFailurePolicy`: what a failed pod means, by the first rule that it matches. */
export type PodFailurePolicy = {
  readonly rules?: readonly {
    readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
    readonly onExitCodes?: {
      readonly containerName?: string;
      readonly operator: 'In' | 'NotIn';
      readonly values?: readonly number[];
    };
    readonly onPodConditions?: readonly { readonly type: string; readonly status?: string }[];
  }[];
};

/** `spec.successPolicy`: a job is done when one of the rules is met. */
export type SuccessPolicy = {
  readonly rules?: readonly { readonly succeededIndexes?: string; readonly succeededCount?: number }[];
};

/** What a failure means. `message`: which rule said so. */
export type FailureMeaning = {
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
  readonly message?: string;
};

/** Find the meaning of a pod's failure. Without a matching rule it counts. Pure. */
export function meaningOf(pod: Pod, policy: PodFailurePolicy | undefined): FailureMeaning {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const [index, { action, onExitCodes, onPodConditions }] of (policy?.rules ?? []).entries()) {
    const rule = `matching ${action} rule at index ${index}`;
    const ended = onExitCodes && findEnded(pod, onExitCodes);
    if (ended) {
      return { action, message: `Container ${ended.name} for pod ${name} failed with exit code ${ended.code} ${rule}` };
    }
    const condition = (onPodConditions ?? []).find(
      ({ type, status = 'True' }) => podCondition(pod, type)?.status === status,
    );
    if (condition) return { action, message: `Pod ${name} has condition ${condition.type} ${rule}` };
  }
  return { action: 'Count' };
}

type ExitCodes = NonNullable<NonNullable<PodFailurePolicy['rules']>[number]['onExitCodes']>;

function findEnded(pod: Pod, { containerName, operator, values = [] }: ExitCodes) {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name = '', state } of statuses) {
    const code = state?.terminated?.exitCode;
    // Zero is no failure, whatever the rule says.
    if (code === undefined || code === 0 || (containerName && containerName !== name)) continue;
    if (values.includes(code) === (operator === 'In')) return { name, code };
  }
  return undefined;
}

/** The first rule of a success policy that these finished indexes meet; undefined while none does. Pure. */
export function metSuccessRule(
  policy: SuccessPolicy | undefined,
  completed: readonly number[],
  completions: number,
): number | undefined {
  const met = (policy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    const wanted = succeededIndexes === undefined ? undefined : new Set(parseIndexes(succeededIndexes, completions));
    const done = wanted ? completed.filter((index) => wanted.has(index)).length : completed.length;
    return done >= (succeededCount ?? wanted?.size ?? completions);
  });
  return met < 0 ? undefined : met;
}

/** True when the pods of a job restart their containers themselves. */
export function restartsItself(template: { readonly spec?: { readonly restartPolicy?: string } } | undefined): boolean {
  return template?.spec?.restartPolicy === 'OnFailure';
}
