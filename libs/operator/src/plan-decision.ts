import type { LastRun, PlanRun, PlanStatus } from './plan-status.ts';

/** A plan as the decision sees it. */
export type PlanView = {
  /** Names of the phases, in order. */
  readonly phases: readonly string[];
  /** Hash of the part of the spec that the plan is for; absent for plans that no change of the spec starts. */
  readonly wish?: string;
  /** How often it runs by itself. */
  readonly everyMs?: number;
};

/** The world as a plan sees it. */
export type PlanWorld = {
  /** By name, in the order in which due plans are run. `install` and `delete` have their own moments. */
  readonly plans: Readonly<Record<string, PlanView>>;
  readonly deleting: boolean;
  readonly createdMs: number;
  readonly nowMs: number;
  /** A request to run a plan by hand: its name, then anything that tells requests apart. */
  readonly trigger?: string;
  /** The Workflow of the current phase of the run; undefined when there is none. */
  readonly workflow: 'Running' | 'Succeeded' | 'Failed' | undefined;
};

export type PlanDecision = {
  /** To be stored before anything is done. */
  readonly status: PlanStatus;
  /** Make sure that the Workflow of this phase of the run exists. */
  readonly start?: string;
  /** Break the Workflow of this phase off. */
  readonly stop?: string;
  /** Nothing is left to do before the object may go. */
  readonly release?: boolean;
  readonly requeueAfterMs?: number;
};

/**
 * Decide the next step of the plans of an object. Pure; deciding again over an unchanged world changes nothing. A phase under way
 * is never broken off by a change of the spec: the run ends with it and a run for the new spec begins.
 */
export function decidePlan(status: PlanStatus, world: PlanWorld): PlanDecision {
  const { run } = status;
  if (run?.state === 'Running') return goOn(status, run, world);
  const next = nextRun(status, world);
  if (next) return begin(status, next, world);
  if (world.deleting) return { status, release: isReleased(status, world) };
  const dueMs = Object.entries(world.plans).flatMap(([name]) => nextSlotMs(status, name, world) ?? []);
  return dueMs.length === 0 ? { status } : { status, requeueAfterMs: Math.max(1, Math.min(...dueMs) - world.nowMs) };
}

function goOn(status: PlanStatus, run: PlanRun, world: PlanWorld): PlanDecision {
  const { workflow, deleting } = world;
  const { phase, plan } = run;
  const phases = world.plans[plan]?.phases ?? [];
  // The program was changed meanwhile and knows the phase no more.
  if (phase === undefined || !phases.includes(phase)) return decidePlan(close(status, run, 'Superseded', world), world);
  if (deleting && plan !== 'delete') {
    if (workflow === 'Running') return { status, stop: phase };
    return decidePlan(close(status, run, 'Superseded', world), world);
  }
  if (workflow === undefined) return { status, start: phase };
  if (workflow === 'Running') return { status };
  if (workflow === 'Failed') return decidePlan(close(status, run, 'Failed', world), world);
  const following = phases[phases.indexOf(phase) + 1];
  if (following === undefined) return decidePlan(close(status, run, 'Succeeded', world), world);
  if (isOutdated(status, run, world)) return decidePlan(close(status, run, 'Superseded', world), world);
  return { status: withRun(status, { ...run, phase: following }, {}), start: following };
}

/** The spec has changed in what the run is for. */
function isOutdated(status: PlanStatus, { plan }: PlanRun, { plans }: PlanWorld): boolean {
  return Object.entries(status.plans?.[plan]?.wish ?? {}).some(([name, hash]) => plans[name]?.wish !== hash);
}

type Next = { readonly plan: string; readonly trigger?: string; readonly scheduledForMs?: number };

function nextRun(status: PlanStatus, world: PlanWorld): Next | undefined {
  const { plans, deleting } = world;
  const byHand = requestedRun(status, world);
  if (byHand) return byHand;
  if (deleting) {
    const tried = status.plans?.['delete']?.state;
    return !isReleased(status, world) && tried === undefined ? { plan: 'delete' } : undefined;
  }
  if (status.installedAt === undefined) return isDue(status, 'install', world) ? { plan: 'install' } : undefined;
  const bound = Object.keys(plans).find((plan) => plans[plan]?.wish !== undefined && isDue(status, plan, world));
  return bound === undefined ? scheduledRun(status, world) : { plan: bound };
}

/** A run that somebody asked for, at a moment when its plan may run. */
function requestedRun(status: PlanStatus, { plans, deleting, trigger }: PlanWorld): Next | undefined {
  if (trigger === undefined || trigger === status.triggered) return undefined;
  const plan = trigger.replace(/:.*$/s, '');
  const installed = status.installedAt !== undefined;
  const fits = deleting ? plan === 'delete' : plan !== 'delete' && (installed || plan === 'install');
  return plans[plan] && fits ? { plan, trigger } : undefined;
}

function scheduledRun(status: PlanStatus, world: PlanWorld): Next | undefined {
  for (const plan of Object.keys(world.plans)) {
    const slotMs = lastSlotMs(plan, world);
    const dueMs = nextSlotMs(status, plan, world);
    if (slotMs !== undefined && dueMs !== undefined && dueMs <= world.nowMs) return { plan, scheduledForMs: slotMs };
  }
  return undefined;
}

/** What a plan is for is not in effect, and the last run for it has not failed already. */
function isDue(status: PlanStatus, plan: string, world: PlanWorld): boolean {
  const wish = wishOf(plan, world);
  const inEffect = Object.entries(wish).every(([name, hash]) => status.applied?.[name] === hash);
  if (inEffect && status.installedAt !== undefined) return false;
  const last = status.plans?.[plan];
  const sameWish = Object.entries(wish).every(([name, hash]) => last?.wish[name] === hash);
  return !(last?.state === 'Failed' && sameWish);
}

/** Installing brings the whole spec into effect, every other plan its own part. */
function wishOf(plan: string, { plans }: PlanWorld): Readonly<Record<string, string>> {
  const names = plan === 'install' ? Object.keys(plans) : [plan];
  return Object.fromEntries(
    names.flatMap((name) => (plans[name]?.wish === undefined ? [] : [[name, plans[name].wish]])),
  );
}

function begin(status: PlanStatus, { plan, trigger, scheduledForMs }: Next, world: PlanWorld): PlanDecision {
  const [phase] = world.plans[plan]?.phases ?? [];
  const wish = wishOf(plan, world);
  // From here until the run has succeeded, nobody knows what is in effect.
  const applied = Object.fromEntries(Object.entries(status.applied ?? {}).filter(([name]) => !(name in wish)));
  const run: PlanRun = { plan, number: (status.run?.number ?? 0) + 1, state: 'Running', ...(phase && { phase }) };
  const started = withRun({ ...status, applied, ...(trigger !== undefined && { triggered: trigger }) }, run, {
    wish,
    startedAt: toTime(world.nowMs),
    ...(scheduledForMs !== undefined && { scheduledFor: toTime(scheduledForMs) }),
  });
  if (phase === undefined) return decidePlan(close(started, run, 'Succeeded', world), world);
  return { status: started, start: phase };
}

function close(status: PlanStatus, run: PlanRun, state: PlanRun['state'], world: PlanWorld): PlanStatus {
  const finishedAt = toTime(world.nowMs);
  const closed = withRun(status, { ...run, state }, { finishedAt });
  if (state !== 'Succeeded') return closed;
  const applied = { ...closed.applied, ...closed.plans?.[run.plan]?.wish };
  return { ...closed, applied, ...(run.plan === 'install' && { installedAt: status.installedAt ?? finishedAt }) };
}

/** The status with the run, and with the same and further facts as the last run of its plan. */
function withRun(status: PlanStatus, run: PlanRun, facts: Partial<LastRun>): PlanStatus {
  const { plan, number, phase, state } = run;
  const before = status.plans?.[plan];
  const same = before?.number === number ? before : undefined;
  const entry: LastRun = {
    startedAt: '',
    wish: {},
    // A run by hand does not move the schedule.
    ...(before?.scheduledFor && { scheduledFor: before.scheduledFor }),
    ...same,
    ...facts,
    number,
    state,
    ...(phase && { phase }),
  };
  return { ...status, run, plans: { ...status.plans, [plan]: entry } };
}

/** Nothing was ever begun, nothing is to be done at the end, or it was done. */
function isReleased(status: PlanStatus, { plans }: PlanWorld): boolean {
  return !status.run || !plans['delete']?.phases.length || status.plans?.['delete']?.state === 'Succeeded';
}

/** The latest time at which the plan was to run by its schedule. Times that were missed are not made up for. */
function lastSlotMs(plan: string, { plans, createdMs, nowMs }: PlanWorld): number | undefined {
  const everyMs = plans[plan]?.everyMs;
  if (everyMs === undefined) return undefined;
  return createdMs + Math.floor((nowMs - createdMs) / everyMs) * everyMs;
}

function nextSlotMs(status: PlanStatus, plan: string, world: PlanWorld): number | undefined {
  const slotMs = lastSlotMs(plan, world);
  const everyMs = world.plans[plan]?.everyMs;
  if (slotMs === undefined || everyMs === undefined || status.installedAt === undefined) return undefined;
  const since = status.plans?.[plan]?.scheduledFor ?? status.installedAt;
  return slotMs > Date.parse(since) ? slotMs : slotMs + everyMs;
}

function toTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
