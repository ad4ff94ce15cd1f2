import type { Container } from './pod-spec.ts';

/** Guaranteed: every container limits cpu and memory and asks for just that; BestEffort: nothing is asked for. */
export function qosClass(containers: readonly Container[]): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const counted = ['cpu', 'memory'] as const;
  const values = (container: Container, field: 'requests' | 'limits'): (string | undefined)[] =>
    counted.map((resource) => container.resources?.[field]?.[resource]?.toString());
  const asksNothing = containers.every((container) =>
    [...values(container, 'requests'), ...values(container, 'limits')].every((value) => value === undefined),
  );
  if (asksNothing) return 'BestEffort';
  const guaranteed = containers.every((container) => {
    const limits = values(container, 'limits');
    const requests = values(container, 'requests');
    return limits.every((limit, i) => limit !== undefined && (requests[i] === undefined || requests[i] === limit));
  });
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
