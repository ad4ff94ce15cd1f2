import { keyOf, type KubeObject, type ObjectKey, resources } from '@sluice/model';
import {
  type Controller,
  createController,
  type LabelSelector,
  matchesLabelSelector,
  type ReconcileResult,
} from '@sluice/reconcile';
import { resolveIntOrPercent } from './int-or-percent.ts';
import { type ManagerContext, namespaceOf, writeStatus } from './manager-context.ts';
import { isActive, isReady } from './pod-state.ts';
import { type IntOrPercent, type Pod, timeText, type WorkloadCondition } from './workload.ts';

type Budget = KubeObject<
  { readonly selector?: LabelSelector; readonly minAvailable?: IntOrPercent; readonly maxUnavailable?: IntOrPercent },
  { readonly conditions?: readonly (WorkloadCondition & { readonly observedGeneration?: number })[] }
>;

/** How many of the selected pods may go. Pure. The number that there should be is taken from the pods that there are. */
export function budgetStatus(budget: Budget, pods: readonly Pod[], nowMs: number): object {
  const selected = pods.filter(
    (pod) => isActive(pod) && matchesLabelSelector(budget.spec?.selector, pod.metadata.labels),
  );
  const expectedPods = selected.length;
  const currentHealthy = selected.filter(isReady).length;
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const desiredHealthy =
    maxUnavailable === undefined
      ? resolveIntOrPercent(minAvailable ?? 1, expectedPods, 'up')
      : Math.max(0, expectedPods - resolveIntOrPercent(maxUnavailable, expectedPods, 'up'));
  const disruptionsAllowed = expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const [status, reason] = disruptionsAllowed > 0 ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods'];
  const observedGeneration = budget.metadata.generation ?? 0;
  const before = budget.status?.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timeText(nowMs);
  const condition = { type: 'DisruptionAllowed', status, reason, message: '', lastTransitionTime, observedGeneration };
  return {
    observedGeneration,
    expectedPods,
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    conditions: [condition],
  };
}

/** Keeps the status of PodDisruptionBudgets. */
export function disruptionController(context: ManagerContext): Controller {
  const { informers, log, now } = context;
  const budgets = informers.informer<Budget>(resources.podDisruptionBudgets);
  const pods = informers.informer<Pod>(resources.pods);

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const budget = budgets.get(key);
    if (!budget || budget.metadata.deletionTimestamp) return {};
    const status = budgetStatus(budget, pods.list(namespaceOf(key)), now());
    await writeStatus(context, resources.podDisruptionBudgets, budget, status, signal);
    return {};
  }

  return createController({
    name: 'disruption',
    informers,
    log,
    reconcile,
    concurrency: 1,
    watches: [
      { resource: resources.podDisruptionBudgets },
      {
        resource: resources.pods,
        keysOf: ({ metadata }) =>
          budgets
            .list(metadata.namespace ?? '')
            .filter(({ spec }) => matchesLabelSelector(spec?.selector, metadata.labels))
            .map(keyOf),
      },
    ],
  });
}
