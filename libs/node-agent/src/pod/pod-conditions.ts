import { allContainers, isSidecar, type Container, type Pod, type PodCondition, type PodPhase } from './pod-spec.ts';

export type ConditionInput = {
  readonly pod: Pod;
  readonly phase: PodPhase;
  readonly prepared: boolean;
  readonly initDone: (container: Container) => boolean;
  readonly ready: (container: Container) => boolean;
  readonly previous: readonly PodCondition[];
  readonly now: number;
};

type Wanted = {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
};

const ours: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
]);

/** The pod's conditions: ours computed, those of others (readiness gates ...) kept as they are. */
export function buildConditions(input: ConditionInput): readonly PodCondition[] {
  const { pod, previous, now } = input;
  const containersReady = containersReadyCondition(input);
  const wanted: Wanted[] = [
    { type: 'PodReadyToStartContainers', status: input.prepared && !isOver(input.phase) ? 'True' : 'False' },
    initializedCondition(input),
    readyCondition(input, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ];
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const generation = pod.metadata.generation;
  const mine = wanted.map((condition): PodCondition => {
    const before = previous.find(({ type }) => type === condition.type);
    const same = before?.status === condition.status && before.lastTransitionTime;
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    return { ...condition, lastTransitionTime: same ? before.lastTransitionTime : time, ...observed };
  });
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !ours.has(type));
  return [...mine, ...others];
}

function isOver(phase: PodPhase): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function initializedCondition({ pod, phase, initDone }: ConditionInput): Wanted {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  const open = (pod.spec?.initContainers ?? []).filter((container) => !initDone(container));
  if (open.length === 0) return { type, status: 'True' };
  const message = `containers with incomplete status: [${open.map(({ name }) => name).join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotInitialized', message };
}

function containersReadyCondition({ pod, phase, ready }: ConditionInput): Wanted {
  const type = 'ContainersReady';
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const spec = pod.spec ?? { containers: [] };
  const counted = allContainers(spec).filter(
    (container) => isSidecar(container) || spec.containers.includes(container),
  );
  const unready = counted.filter((container) => !ready(container));
  if (unready.length === 0) return { type, status: 'True' };
  const message = `containers with unready status: [${unready.map(({ name }) => name).join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotReady', message };
}

function readyCondition({ pod }: ConditionInput, containersReady: Wanted): Wanted {
  const base = { ...containersReady, type: 'Ready' };
  if (containersReady.status === 'False') return base;
  const messages: string[] = [];
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const gate = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (!gate) messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (gate.status !== 'True') {
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`);
    }
  }
  if (messages.length === 0) return base;
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}
