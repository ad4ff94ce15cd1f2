import type { KubeObject } from '@sluice/model';
import { StatusError } from '../http/status-error.ts';
import { recordAt, textAt, valueAt, withField } from '../objects/json.ts';
import { type Api, timeText } from '../rest/api.ts';
import { labelSelectorOf, matchesLabels } from '../selector/label-selector.ts';

const budgets = 'poddisruptionbudgets.policy';

/** Takes an eviction from the budget of a pod. Throws 429 when the budget does not allow it now. */
export async function spendDisruption(api: Api, pod: KubeObject, dryRun: boolean): Promise<void> {
  const phase = textAt(pod, 'status', 'phase');
  if (phase !== 'Running' || pod.metadata.deletionTimestamp !== undefined) return;
  const own = api.objects
    .collection(budgets)
    .list(`${pod.metadata.namespace ?? ''}/`)
    .filter(({ object }) => covers(object, pod));
  const [budget, another] = own;
  if (!budget) return;
  if (another) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new StatusError(500, 'InternalError', message);
  }
  await api.objects.write(
    budgets,
    budget.key,
    (current) => ({ type: 'put', object: spent(current?.object ?? budget.object, pod, api.now()) }),
    dryRun,
  );
}

function covers(budget: KubeObject, pod: KubeObject): boolean {
  const selector = labelSelectorOf(valueAt(budget, 'spec', 'selector'));
  return selector.ok && selector.value !== 'nothing' && matchesLabels(selector.value, pod.metadata.labels);
}

/** The budget with one disruption less. */
function spent(budget: KubeObject, pod: KubeObject, now: number): KubeObject {
  const status = recordAt(budget, 'status');
  const number = (name: string): number => (typeof status[name] === 'number' ? status[name] : 0);
  const allowed = number('disruptionsAllowed');
  if (number('observedGeneration') < (budget.metadata.generation ?? 0)) {
    throw refused(budget, `The disruption budget ${budget.metadata.name} is still being processed by the server.`, 10);
  }
  if (allowed <= 0) {
    const healthy = `needs ${number('desiredHealthy')} healthy pods and has ${number('currentHealthy')} currently`;
    throw refused(budget, `The disruption budget ${budget.metadata.name} ${healthy}`);
  }
  const disruptedPods = { ...recordAt(status, 'disruptedPods'), [pod.metadata.name]: timeText(now) };
  return withField(budget, 'status', { ...status, disruptionsAllowed: allowed - 1, disruptedPods });
}

function refused(budget: KubeObject, message: string, retryAfterSeconds?: number): StatusError {
  return new StatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    name: budget.metadata.name,
    causes: [{ reason: 'DisruptionBudget', message, field: '' }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}
