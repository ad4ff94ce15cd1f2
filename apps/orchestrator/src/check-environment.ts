import { formatProblems, resources, setCondition, type Condition, type Environment } from '@sluice/model';
import type { Reconcile } from '@sluice/reconcile';
import { parseEnvironmentSpec } from '@sluice/release';
import type { OrchestratorPorts } from './ports.ts';

/** Reconciles the Ready condition of an Environment: whether releases can go there. */
export function createEnvironmentCheck(ports: OrchestratorPorts): Reconcile {
  return async (key, signal) => {
    const environment = await ports.kube.get<Environment>(resources.environments, key, signal);
    if (!environment || environment.metadata.deletionTimestamp) return {};
    const { generation = 0 } = environment.metadata;
    const before = environment.status?.conditions;
    const now = new Date(ports.now()).toISOString();
    const conditions = setCondition(
      before,
      { type: 'Ready', observedGeneration: generation, ...readyOf(environment) },
      now,
    );
    if (conditions === before && environment.status?.observedGeneration === generation) return {};
    const body = { status: { observedGeneration: generation, conditions } };
    await ports.kube.patch(resources.environments, key, { type: 'merge', body }, { subresource: 'status', signal });
    return {};
  };
}

type ReadyState = Pick<Condition, 'status' | 'reason' | 'message'>;

function readyOf({ spec, metadata }: Environment): ReadyState {
  const parsed = parseEnvironmentSpec(spec, metadata.name);
  if (!parsed.ok) return { status: 'False', reason: 'InvalidSpec', message: formatProblems(parsed.problems) };
  return { status: 'True', reason: 'Valid', message: `releases go to namespace ${parsed.value.namespace}` };
}
