import type { Condition } from '@sluice/model';

/** What makes a plan run. */
export type PlanTrigger = 'install' | 'upgrade' | 'delete' | 'schedule';

/** Status that a plan keeps in its object. */
export type PlanStatus = {
  readonly plan?: PlanTrigger;
  /** Tells runs of one plan apart; part of the names of their Workflows. */
  readonly run?: string;
  readonly phase?: string;
  readonly state?: 'Running' | 'Succeeded' | 'Failed';
  /** What the run was started for: the spec's hash, or the time of a scheduled run. */
  readonly cause?: string;
  /** Hash of the spec that is installed. */
  readonly installed?: string;
  readonly lastScheduleTime?: string;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
};

/** The world as a plan sees it. Phases are names, in order. */
export type PlanWorld = {
  readonly specHash: string;
  readonly generation: number;
  readonly deleting: boolean;
  readonly phases: Readonly<Partial<Record<PlanTrigger, readonly string[]>>>;
  readonly everyMs?: number;
  readonly createdMs: number;
  readonly nowMs: number;
  /** Phase of the Workflow of the current phase of the run; undefined when there is no such Workflow. */
  readonly workflow: 'Running' | 'Succeeded' | 'Failed' | undefined;
};

export type PlanDecision = {
  readonly status: PlanStatus;
  /** Make sure that the Workflow of this phase of `status.run` exists. */
  readonly start?: string;
  /** Break the Workflow of this phase off. */
  readonly stop?: string;
  /** Nothing is left to do before the object may go. */
  readonly release?: boolean;
  readonly requeueAfterMs?: number;
};

/** Decide the next step of a plan. Pure; deciding again over an unchanged world changes nothing. */
export function decidePlan(status: PlanStatus, world: PlanWorld): PlanDecision {
  if (status.state === 'Running' && status.plan && status.phase) return goOn(status, status.plan, status.phase, world);
  const next = nextPlan(status, world);
  if (next) return begin(status, next.plan, next.cause, world);
  if (world.deleting) return { status, release: status.plan !== 'delete' || status.state === 'Succeeded' };
  const dueMs = nextScheduleMs(status, world);
  return dueMs === undefined ? { status } : { status, requeueAfterMs: Math.max(1, dueMs - world.nowMs) };
}

function goOn(status: PlanStatus, plan: PlanTrigger, phase: string, world: PlanWorld): PlanDecision {
  const { workflow } = world;
  if (world.deleting && plan !== 'delete' && (workflow === 'Running' || workflow === undefined)) {
    return workflow ? { status, stop: phase } : decidePlan({ ...status, state: 'Failed' }, world);
  }
  if (workflow === undefined) return { status, start: phase };
  if (workflow === 'Running') return { status };
  if (workflow === 'Failed') return decidePlan({ ...status, state: 'Failed' }, world);
  const phases = phasesFor(plan, world);
  const following = phases[phases.indexOf(phase) + 1];
  if (following !== undefined && !(world.deleting && plan !== 'delete')) {
    return { status: { ...status, phase: following }, start: following };
  }
  return decidePlan(finished(status, plan), world);
}

function finished(status: PlanStatus, plan: PlanTrigger): PlanStatus {
  const installs = (plan === 'install' || plan === 'upgrade') && status.cause !== undefined;
  return { ...status, state: 'Succeeded', ...(installs && { installed: status.cause }) };
}

function nextPlan(status: PlanStatus, world: PlanWorld): { plan: PlanTrigger; cause: string } | undefined {
  const tried = (plan: PlanTrigger, cause: string): boolean =>
    status.plan === plan && status.cause === cause && status.state !== undefined;
  if (world.deleting) {
    const cause = `generation-${world.generation}`;
    const done = status.plan === 'delete' && status.state === 'Succeeded';
    const nothing = (world.phases.delete ?? []).length === 0;
    return nothing || done || tried('delete', cause) ? undefined : { plan: 'delete', cause };
  }
  const cause = world.specHash;
  if (status.installed === undefined) return tried('install', cause) ? undefined : { plan: 'install', cause };
  if (status.installed !== cause) return tried('upgrade', cause) ? undefined : { plan: 'upgrade', cause };
  const dueMs = nextScheduleMs(status, world);
  if (dueMs === undefined || dueMs > world.nowMs) return undefined;
  return { plan: 'schedule', cause: toTime(world.nowMs) };
}

function begin(status: PlanStatus, plan: PlanTrigger, cause: string, world: PlanWorld): PlanDecision {
  const scheduled = plan === 'schedule' ? { lastScheduleTime: cause } : {};
  const run = `${plan}-${cause
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(-16)
    .toLowerCase()}`;
  const [phase] = phasesFor(plan, world);
  const { phase: _, ...rest } = status;
  const started: PlanStatus = { ...rest, plan, run, cause, ...scheduled, state: 'Running', ...(phase && { phase }) };
  return phase === undefined ? decidePlan(finished(started, plan), world) : { status: started, start: phase };
}

/** Without an upgrade of its own, a changed spec is installed anew. */
function phasesFor(plan: PlanTrigger, { phases }: PlanWorld): readonly string[] {
  return phases[plan] ?? (plan === 'upgrade' ? phases.install : undefined) ?? [];
}

function nextScheduleMs(status: PlanStatus, world: PlanWorld): number | undefined {
  if (world.everyMs === undefined || !(world.phases.schedule ?? []).length || status.installed === undefined)
    return undefined;
  const sinceMs = status.lastScheduleTime ? Date.parse(status.lastScheduleTime) : world.createdMs;
  return sinceMs + world.everyMs;
}

function toTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
