import type { ContainerPlan } from '@sluice/model';
import { containerPlanOf, gateOf, mainsEnded, retryAt } from './container-plan.ts';
import { allContainers, isFinal, isSidecar, type Container, type Pod, type PodSpec } from './pod-spec.ts';
import { containerState, isLive, type ContainerState, type Ending, type PodState } from './pod-state.ts';
import { type BackoffConfig, defaultBackoff, restartDelayMs } from './restart-backoff.ts';

/** What the shell is to do next. Each may be asked for again after a crash; doing it twice is doing it once. */
export type PodAction =
  | { readonly kind: 'prepare' }
  | { readonly kind: 'start'; readonly container: string; readonly restart: boolean }
  /** It will never start: a container that it waits for has failed. */
  | { readonly kind: 'omit'; readonly container: string; readonly failed: string }
  | { readonly kind: 'stop'; readonly container: string; readonly graceMs: number; readonly reason: string }
  /** Nothing lives any more and nothing will: give back the address. */
  | { readonly kind: 'release' }
  /** Remove the object: its processes are gone. */
  | { readonly kind: 'delete' };

export type PodDecision = {
  readonly actions: readonly PodAction[];
  /** The pod has to end from now on; to be kept in the state. */
  readonly ending?: Ending;
  /** When to decide again if nothing happens before, in milliseconds since the epoch. */
  readonly nextLook?: number;
  /** All containers have ended and none will be started again. */
  readonly finished: boolean;
};

/** Decide what happens next to a pod. Pure: the same pod, state and time give the same decision. */
export function decidePod(
  pod: Pod,
  state: PodState,
  now: number,
  backoff: BackoffConfig = defaultBackoff,
): PodDecision {
  const spec = pod.spec ?? { containers: [] };
  const ending = state.ending ?? deadlineEnding(pod, state, now);
  if (ending) return decideEnding(spec, state, ending, now);
  if (state.failure) return decideStopAll(spec, state, 'Failed');
  const plan = new Plan(deadlineOf(spec, state));
  const containers = containerPlanOf(pod);
  const turn: Turn = { spec, state, now, plan, backoff, containers };
  if (state.preparation.phase !== 'ready') {
    planPreparation(turn);
    return plan.decision(false);
  }
  if (hasFinished(spec, state, containers) || mainsEnded(containers, spec, state))
    return decideStopAll(spec, state, 'Completed');
  const initialized = planInit(turn);
  if (initialized === 'failed') return decideStopAll(spec, state, 'Failed');
  if (initialized === 'waiting') return plan.decision(false);
  planMain(turn);
  return plan.decision(false);
}

/** True when a container that ended with this code is to be started again. */
export function restarts(policy: PodSpec['restartPolicy'], container: Container, code: number): boolean {
  return isSidecar(container) || !isFinal(policy, code);
}

/** True when an init container is out of the way: ended well, or a sidecar that has started once. */
export function initDone(container: Container, state: ContainerState): boolean {
  if (isSidecar(container)) return state.hasStarted === true;
  return state.phase === 'exited' && state.exit?.code === 0;
}

/** What one decision works from. */
type Turn = {
  readonly spec: PodSpec;
  readonly state: PodState;
  readonly now: number;
  readonly plan: Plan;
  readonly backoff: BackoffConfig;
  readonly containers: ContainerPlan;
};

/** Collects actions and the earliest time to look again. */
class Plan {
  readonly actions: PodAction[] = [];
  #nextLook: number | undefined;
  constructor(deadline: number | undefined) {
    this.#nextLook = deadline;
  }
  lookAt(time: number): void {
    this.#nextLook = Math.min(this.#nextLook ?? Number.POSITIVE_INFINITY, time);
  }
  decision(finished: boolean): PodDecision {
    return { actions: this.actions, finished, ...(this.#nextLook === undefined ? {} : { nextLook: this.#nextLook }) };
  }
}

function deadlineOf(spec: PodSpec, state: PodState): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || state.startedAt === undefined) return undefined;
  return state.startedAt + spec.activeDeadlineSeconds * 1000;
}

function deadlineEnding(pod: Pod, state: PodState, now: number): Ending | undefined {
  const spec = pod.spec ?? { containers: [] };
  const deadline = deadlineOf(spec, state);
  if (deadline === undefined || now < deadline || state.failure) return undefined;
  if (hasFinished(spec, state, containerPlanOf(pod))) return undefined;
  const graceMs = (spec.terminationGracePeriodSeconds ?? 30) * 1000;
  return { reason: 'DeadlineExceeded', since: now, graceMs, drainUntil: now };
}

function hasFinished(spec: PodSpec, state: PodState, plan: ContainerPlan): boolean {
  return spec.containers.every((container) => {
    const own = containerState(state, container.name);
    if (own.phase !== 'exited' || !own.exit || retryAt(plan, container.name, own) !== undefined) return false;
    return !restarts(spec.restartPolicy, container, own.exit.code);
  });
}

function planPreparation({ state, now, plan }: Turn): void {
  const { phase, notBefore = 0 } = state.preparation;
  if (phase === 'busy') return;
  if (now >= notBefore) plan.actions.push({ kind: 'prepare' });
  else plan.lookAt(notBefore);
}

function planInit(turn: Turn): 'done' | 'waiting' | 'failed' {
  const { spec, state } = turn;
  for (const container of spec.initContainers ?? []) {
    const own = containerState(state, container.name);
    if (isSidecar(container)) planContainer(container, own, turn);
    if (initDone(container, own)) continue;
    if (isSidecar(container)) return 'waiting';
    if (own.phase === 'exited' && own.exit && !restartsInit(spec)) return 'failed';
    planContainer(container, own, turn);
    return 'waiting';
  }
  return 'done';
}

/** An init container that failed is tried again unless the pod never restarts anything. */
function restartsInit(spec: PodSpec): boolean {
  return (spec.restartPolicy ?? 'Always') !== 'Never';
}

function planMain(turn: Turn): void {
  const { spec, state, plan, containers } = turn;
  for (const container of spec.containers) {
    const { name } = container;
    const own = containerState(state, name);
    const gate = own.phase === 'waiting' ? gateOf(containers, name, state) : 'open';
    if (gate === 'open') planContainer(container, own, turn);
    else if (gate !== 'waiting') plan.actions.push({ kind: 'omit', container: name, failed: gate.failed });
  }
}

/** Start a container when its time has come. */
function planContainer(container: Container, own: ContainerState, turn: Turn): void {
  const { spec, now, plan, backoff, containers } = turn;
  if (isLive(own)) return;
  const restart = own.phase === 'exited';
  const isInit = (spec.initContainers ?? []).includes(container);
  const again = restart ? retryAt(containers, container.name, own) : undefined;
  const ended = restart && own.exit && !isInit && !restarts(spec.restartPolicy, container, own.exit.code);
  if (ended && again === undefined) return;
  const due = again ?? (restart && own.exit ? own.exit.finishedAt + restartDelayMs(own.crashes, backoff) : 0);
  const notBefore = Math.max(due, own.notBefore ?? 0);
  if (now >= notBefore) plan.actions.push({ kind: 'start', container: container.name, restart });
  else plan.lookAt(notBefore);
}

function decideEnding(spec: PodSpec, state: PodState, ending: Ending, now: number): PodDecision {
  const kept = state.ending ? {} : { ending };
  if (now < ending.drainUntil && anyLive(spec, state)) {
    return { actions: [], finished: false, nextLook: ending.drainUntil, ...kept };
  }
  const { actions, finished } = planStops(spec, state, ending.graceMs, ending.reason);
  if (!finished) return { actions, finished, ...kept };
  const end: PodAction = ending.reason === 'Deleted' ? { kind: 'delete' } : { kind: 'release' };
  return { actions: [end], finished: true, ...kept };
}

function decideStopAll(spec: PodSpec, state: PodState, reason: string): PodDecision {
  const graceMs = (spec.terminationGracePeriodSeconds ?? 30) * 1000;
  const { actions, finished } = planStops(spec, state, graceMs, reason);
  return finished ? { actions: [{ kind: 'release' }], finished } : { actions, finished };
}

function anyLive(spec: PodSpec, state: PodState): boolean {
  return allContainers(spec).some(({ name }) => isLive(containerState(state, name)));
}

/** Main containers end first, all at once; then the sidecars, the last one first. */
function planStops(
  spec: PodSpec,
  state: PodState,
  graceMs: number,
  reason: string,
): { actions: PodAction[]; finished: boolean } {
  const live = (container: Container): boolean => isLive(containerState(state, container.name));
  const sidecars = (spec.initContainers ?? []).filter(isSidecar);
  const others = [...(spec.initContainers ?? []).filter((container) => !isSidecar(container)), ...spec.containers];
  const wave = others.some(live) ? others.filter(live) : sidecars.filter(live).slice(-1);
  const actions = wave
    .filter(({ name }) => !containerState(state, name).stopping)
    .map(({ name }): PodAction => ({ kind: 'stop', container: name, graceMs, reason }));
  return { actions, finished: wave.length === 0 };
}
