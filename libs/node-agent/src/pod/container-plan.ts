import { type ContainerOrder, type ContainerPlan, keys } from '@sluice/model';
import { type Container, isFinal, type Pod, type PodSpec } from './pod-spec.ts';
import { containerState, type ContainerState, type PodState } from './pod-state.ts';

const plans = new WeakMap<object, ContainerPlan>();
const none: ContainerPlan = Object.freeze({ main: [] });

/** The plan that the pod's annotation states; an empty one without it, or when it cannot be read. */
export function containerPlanOf(pod: Pod): ContainerPlan {
  const text = pod.metadata.annotations?.[keys.containers];
  if (text === undefined) return none;
  const known = plans.get(pod.metadata);
  if (known) return known;
  const plan = parsePlan(text) ?? none;
  plans.set(pod.metadata, plan);
  return plan;
}

function parsePlan(text: string): ContainerPlan | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('main' in value)) return undefined;
    const { main } = value;
    const isList = Array.isArray(main) && main.every((name: unknown) => typeof name === 'string');
    return isList ? (value as ContainerPlan) : undefined;
  } catch {
    return undefined;
  }
}

function orderOf(plan: ContainerPlan, name: string): ContainerOrder {
  return plan.order && Object.hasOwn(plan.order, name) ? (plan.order[name] ?? {}) : {};
}

/** Time of the next try after a failure, in milliseconds; undefined when the plan wants none. */
export function retryAt(plan: ContainerPlan, name: string, own: ContainerState): number | undefined {
  const { retries = 0, retryDelayMs = 0 } = orderOf(plan, name);
  if (!own.exit || own.exit.code === 0 || own.restarts >= retries) return undefined;
  // One that waited in vain for another is not helped by another try.
  if (own.exit.reason === dependencyFailed.reason) return undefined;
  return own.exit.finishedAt + retryDelayMs;
}

/** The end of a container that another one's failure kept from starting, as upstream's executor has it. */
export const dependencyFailed = Object.freeze({ code: 64, reason: 'DependencyFailed' });

/** Whether a container may start: those before it are done, still at it, or one of them has failed. */
export function gateOf(plan: ContainerPlan, name: string, state: PodState): 'open' | 'waiting' | { failed: string } {
  for (const before of orderOf(plan, name).after ?? []) {
    const own = containerState(state, before);
    if (own.phase !== 'exited' || !own.exit) return 'waiting';
    if (own.exit.code === 0) continue;
    return retryAt(plan, before, own) === undefined ? { failed: before } : 'waiting';
  }
  return 'open';
}

/** True once all main containers of a planned pod have ended for good: the others are not needed any more. */
export function mainsEnded(plan: ContainerPlan, spec: PodSpec, state: PodState): boolean {
  const mains = spec.containers.filter(({ name }) => plan.main.includes(name));
  return mains.length > 0 && mains.every((container) => hasEnded(plan, spec, container, state));
}

function hasEnded(plan: ContainerPlan, spec: PodSpec, container: Container, state: PodState): boolean {
  const own = containerState(state, container.name);
  if (own.phase !== 'exited' || !own.exit || retryAt(plan, container.name, own) !== undefined) return false;
  return isFinal(spec.restartPolicy, own.exit.code);
}
