import { findCondition, setCondition, type Condition } from '@sluice/model';

type Summary = { readonly generation: number; readonly testCounts: boolean; readonly now: string };

/** Newest first by what was observed; among equals the later in the life of a release wins. */
const ranked = ['Remediated', 'TestSuccess', 'Released'] as const;

/**
 * `Ready` as the sum of the other conditions: the most recent of Remediated, TestSuccess (where tests count) and Released. A
 * remediated release is not ready, whatever the remediation's own status.
 */
export function summarizeReady(
  conditions: readonly Condition[],
  { generation, testCounts, now }: Summary,
): readonly Condition[] {
  const candidates = ranked
    .filter((type) => type !== 'TestSuccess' || testCounts)
    .map((type) => findCondition(conditions, type))
    .filter((condition) => condition !== undefined)
    .sort((a, b) => (b.observedGeneration ?? 0) - (a.observedGeneration ?? 0));
  const [decisive] = candidates;
  if (!decisive) return conditions;
  const status = decisive.type === 'Remediated' ? 'False' : decisive.status;
  const { reason, message } = decisive;
  return setCondition(conditions, { type: 'Ready', status, reason, message, observedGeneration: generation }, now);
}

/** The conditions without those of these types. */
export function withoutConditions(conditions: readonly Condition[], ...types: readonly string[]): readonly Condition[] {
  return conditions.some(({ type }) => types.includes(type))
    ? conditions.filter(({ type }) => !types.includes(type))
    : conditions;
}

/**
 * For a release that is as wanted: what old failures left behind is put right. Remediated goes, a failed Released or TestSuccess
 * becomes a success.
 */
export function healConditions(
  conditions: readonly Condition[],
  facts: { readonly generation: number; readonly message: string; readonly tested: boolean; readonly now: string },
): readonly Condition[] {
  const { generation, message, now } = facts;
  let healed = withoutConditions(conditions, 'Remediated', 'Reconciling', 'Stalled');
  const released = findCondition(healed, 'Released');
  if (released?.status !== 'True' || healed !== conditions) {
    const reason =
      released?.status === 'True'
        ? released.reason
        : released?.reason === 'InstallFailed'
          ? 'InstallSucceeded'
          : 'UpgradeSucceeded';
    const text = released?.status === 'True' ? released.message : message;
    healed = setCondition(
      healed,
      { type: 'Released', status: 'True', reason, message: text, observedGeneration: generation },
      now,
    );
  }
  const tested = findCondition(healed, 'TestSuccess');
  if (facts.tested && tested?.status === 'False') {
    const success = {
      type: 'TestSuccess',
      status: 'True',
      reason: 'TestSucceeded',
      message,
      observedGeneration: generation,
    } as const;
    healed = setCondition(healed, success, now);
  }
  return healed;
}
