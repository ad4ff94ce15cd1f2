import { containerPlanOf, retryAt } from './container-plan.ts';
import { initDone, restarts } from './decide-pod.ts';
import { buildConditions } from './pod-conditions.ts';
import {
  allContainers,
  isSidecar,
  type Container,
  type ContainerStateStatus,
  type ContainerStatus,
  type Pod,
  type PodPhase,
  type PodSpec,
  type PodStatus,
} from './pod-spec.ts';
import { containerState, isLive, type ContainerState, type Exit, type PodState } from './pod-state.ts';
import { type BackoffConfig, durationText, restartDelayMs } from './restart-backoff.ts';
import { qosClass } from './qos-class.ts';

export type StatusInput = {
  readonly pod: Pod;
  readonly state: PodState;
  /** All containers have ended and none will be started again (from the decision). */
  readonly finished: boolean;
  /** The status that was computed or read last: transition times are carried over from it. */
  readonly previous: PodStatus | undefined;
  readonly hostIp: string;
  readonly now: number;
  readonly backoff: BackoffConfig;
};

/** The status that the Pod object should have. Pure. */
export function buildPodStatus(input: StatusInput): PodStatus {
  const { pod, state, hostIp } = input;
  const spec = pod.spec ?? { containers: [] };
  const phase = podPhase(spec, state, input.finished);
  const initStatuses = (spec.initContainers ?? []).map((container) => containerStatus(container, input));
  const statuses = spec.containers.map((container) => containerStatus(container, input));
  const failure = failureOf(state, phase);
  return {
    phase,
    ...(failure ? { reason: failure.reason, message: failure.message } : {}),
    conditions: buildConditions({
      pod,
      phase,
      prepared: state.preparation.phase === 'ready',
      initDone: (container) => initDone(container, containerState(state, container.name)),
      ready: (container) => isReady(containerState(state, container.name), state),
      previous: input.previous?.conditions ?? pod.status?.conditions ?? [],
      now: input.now,
    }),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    ...(state.ip ? { podIP: state.ip, podIPs: [{ ip: state.ip }] } : {}),
    ...(state.startedAt === undefined ? {} : { startTime: toTime(state.startedAt) }),
    qosClass: qosClass(allContainers(spec)),
    ...(initStatuses.length > 0 ? { initContainerStatuses: initStatuses } : {}),
    containerStatuses: statuses,
  };
}

/** RFC 3339 in whole seconds, as Kubernetes writes times of a status. */
export function toTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function isReady(own: ContainerState, state: PodState): boolean {
  return own.phase === 'running' && own.started && own.ready && !state.ending && !own.stopping;
}

function failureOf(state: PodState, phase: PodPhase): { reason: string; message: string } | undefined {
  if (state.failure) return state.failure;
  if (state.ending?.reason === 'DeadlineExceeded' && phase === 'Failed') {
    return {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    };
  }
  return undefined;
}

/** The phase of a pod from the states of its containers. */
export function podPhase(spec: PodSpec, state: PodState, finished: boolean): PodPhase {
  if (finished) return finalPhase(spec, state);
  const inits = spec.initContainers ?? [];
  if (inits.some((container) => !initDone(container, containerState(state, container.name)))) return 'Pending';
  const states = spec.containers.map(({ name }) => containerState(state, name));
  const begun = states.some(
    (own) => own.phase === 'running' || own.exit !== undefined || own.previousExit !== undefined,
  );
  return begun ? 'Running' : 'Pending';
}

function finalPhase(spec: PodSpec, state: PodState): PodPhase {
  if (state.failure || state.ending?.reason === 'DeadlineExceeded') return 'Failed';
  const inits = (spec.initContainers ?? []).filter((container) => !isSidecar(container));
  const ended = [...inits, ...spec.containers].map(({ name }) => containerState(state, name).exit);
  return ended.every((exit) => exit?.code === 0) ? 'Succeeded' : 'Failed';
}

function containerStatus(container: Container, input: StatusInput): ContainerStatus {
  const { pod, state } = input;
  const own = containerState(state, container.name);
  const current = currentState(container, own, input);
  const last = current.waiting && own.exit ? own.exit : own.previousExit;
  const begun = own.startedAt !== undefined;
  const id = (run: number): string => `sluice://${pod.metadata.uid ?? ''}-${container.name}-${run}`;
  return {
    name: container.name,
    image: container.image ?? '',
    imageID: own.imageId ?? '',
    ...(begun ? { containerID: id(own.restarts) } : {}),
    ready: isReady(own, state) || (!isMain(container, pod) && !isSidecar(container) && own.exit?.code === 0),
    started: own.phase === 'running' && own.started,
    restartCount: own.restarts,
    state: current,
    lastState: last ? terminatedState(last, id(Math.max(0, own.restarts - (last === own.exit ? 0 : 1)))) : {},
  };
}

function isMain(container: Container, pod: Pod): boolean {
  return pod.spec?.containers.includes(container) ?? false;
}

function currentState(container: Container, own: ContainerState, input: StatusInput): ContainerStateStatus {
  const { pod, state } = input;
  if (own.phase === 'running') return { running: { startedAt: toTime(own.startedAt ?? input.now) } };
  if (own.phase === 'exited' && own.exit && !willRestart(container, own, input)) {
    return terminatedState(own.exit, `sluice://${pod.metadata.uid ?? ''}-${container.name}-${own.restarts}`);
  }
  return { waiting: waitingState(container, own, state, input) };
}

function terminatedState(exit: Exit, containerID: string): ContainerStateStatus {
  return {
    terminated: {
      exitCode: exit.code,
      ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      reason: exit.reason,
      ...(exit.message === undefined ? {} : { message: exit.message }),
      startedAt: toTime(exit.startedAt),
      finishedAt: toTime(exit.finishedAt),
      containerID,
    },
  };
}

/** Shown as waiting (back-off) rather than terminated: only while there is a back-off to wait for. */
function willRestart(container: Container, own: ContainerState, input: StatusInput): boolean {
  const { pod, state, finished, backoff } = input;
  if (finished || state.ending || state.failure || !own.exit) return false;
  const spec = pod.spec ?? { containers: [] };
  if (retryAt(containerPlanOf(pod), container.name, own) !== undefined) return true;
  const again = isMain(container, pod)
    ? restarts(spec.restartPolicy, container, own.exit.code)
    : isSidecar(container) || (own.exit.code !== 0 && spec.restartPolicy !== 'Never');
  return again && (own.waiting !== undefined || restartDelayMs(own.crashes, backoff) > 0);
}

function waitingState(
  container: Container,
  own: ContainerState,
  state: PodState,
  { pod, backoff }: StatusInput,
): { reason: string; message?: string } {
  if (own.waiting) return own.waiting;
  if (own.exit && !isLive(own)) {
    const delay = durationText(restartDelayMs(own.crashes, backoff));
    const { name, namespace = '', uid = '' } = pod.metadata;
    const message = `back-off ${delay} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
    return { reason: 'CrashLoopBackOff', message };
  }
  const { reason, message } = state.preparation;
  if (state.preparation.phase === 'failed' && reason) return { reason, ...(message ? { message } : {}) };
  const hasInit = (pod.spec?.initContainers ?? []).length > 0;
  return { reason: hasInit && isMain(container, pod) ? 'PodInitializing' : 'ContainerCreating' };
}
