/** A Kubernetes condition (metav1.Condition). `reason` is UpperCamelCase and stable, `message` is for people. */
export type Condition = {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
};

/** The longest message that is stored in a condition, in characters. */
export const maxConditionMessage = 32_768;

/** Look a condition up by type. */
export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * Set one condition, keeping the transition time while the status stays the same.
 * Returns the same array when nothing changes, so that callers can skip the write. `now` is RFC 3339.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  change: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): readonly Condition[] {
  const before = findCondition(conditions, change.type);
  const message = change.message.slice(0, maxConditionMessage);
  const lastTransitionTime = before && before.status === change.status ? before.lastTransitionTime : now;
  const after: Condition = { ...change, message, lastTransitionTime };
  if (before && JSON.stringify(sorted(before)) === JSON.stringify(sorted(after)) && conditions) return conditions;
  return [...(conditions ?? []).filter((condition) => condition.type !== change.type), after];
}

function sorted(condition: Condition): [string, unknown][] {
  return Object.entries(condition).sort(([a], [b]) => (a < b ? -1 : 1));
}
