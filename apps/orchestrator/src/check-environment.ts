import { formatProblems, keyText, resources, setCondition, type Condition, type Environment } from '@sluice/model';
import type { Reconcile } from '@sluice/reconcile';
import { parseEnvironmentSpec } from '@sluice/release';
import type { OrchestratorPorts } from './ports.ts';
import type { RepositoryAccess } from './repository-access.ts';
import { syncEnvironment } from './sync-environment.ts';

type Parts = { readonly ports: OrchestratorPorts; readonly access: RepositoryAccess };

/** A release of mode git that somebody changed or deleted is put back at the latest after this time. */
const syncIntervalMs = 600_000;

/**
 * Reconciles an Environment with its Ready condition: whether releases can go there. One of mode git follows its repository besides: what the
 * commit says is applied.
 */
export function createEnvironmentCheck({ ports, access }: Parts): Reconcile {
  return async (key, signal) => {
    const environment = await ports.kube.get<Environment>(resources.environments, key, signal);
    if (!environment || environment.metadata.deletionTimestamp) return {};
    const { ready, revision } = await stateOf(environment, signal);
    await writeStatus(environment, ready, revision, signal);
    return environment.spec?.mode === 'git' ? { requeueAfterMs: syncIntervalMs } : {};
  };

  async function stateOf(environment: Environment, signal: AbortSignal): Promise<EnvironmentState> {
    const parsed = parseEnvironmentSpec(environment.spec, environment.metadata.name);
    if (!parsed.ok)
      return { ready: { status: 'False', reason: 'InvalidSpec', message: formatProblems(parsed.problems) } };
    const { git, namespace } = parsed.value;
    if (!git) return { ready: { status: 'True', reason: 'Valid', message: `releases go to namespace ${namespace}` } };
    const outcome = await syncEnvironment({ ports, access }, environment, { ...parsed.value, git }, signal);
    const { message } = outcome;
    if (!outcome.ok) return { ready: { status: 'False', reason: outcome.reason, message } };
    const { revision } = outcome;
    if (environment.status?.revision !== revision)
      ports.log.info('environment follows', { environment: keyText(environment.metadata), revision });
    return { revision, ready: { status: 'True', reason: 'Applied', message } };
  }

  async function writeStatus(
    { metadata, status }: Environment,
    ready: ReadyState,
    revision: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { generation = 0, namespace = '', name } = metadata;
    const before = status?.conditions;
    const now = new Date(ports.now()).toISOString();
    const conditions = setCondition(before, { type: 'Ready', observedGeneration: generation, ...ready }, now);
    const same = revision === undefined || status?.revision === revision;
    if (same && conditions === before && status?.observedGeneration === generation) return;
    const body = { status: { observedGeneration: generation, conditions, ...(revision ? { revision } : {}) } };
    const patch = { type: 'merge', body } as const;
    await ports.kube.patch(resources.environments, { namespace, name }, patch, { subresource: 'status', signal });
  }
}

type ReadyState = Pick<Condition, 'status' | 'reason' | 'message'>;
type EnvironmentState = { readonly ready: ReadyState; readonly revision?: string };
