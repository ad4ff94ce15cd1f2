import { describe, expect, test } from 'vitest';
import { decidePlan, type PlanStatus, type PlanWorld } from './plan-decision.ts';

const world: PlanWorld = {
  specHash: 'h1',
  generation: 1,
  deleting: false,
  phases: { install: ['db', 'app'], delete: ['backup'], schedule: ['check'] },
  createdMs: 0,
  nowMs: 0,
  workflow: undefined,
};

/** Play the plan until nothing more happens; every started phase ends as `outcome` says. */
function play(
  status: PlanStatus,
  given: PlanWorld,
  outcome: (phase: string) => 'Succeeded' | 'Failed' = () => 'Succeeded',
) {
  const started: string[] = [];
  let state = status;
  for (let step = 0; step < 20; step++) {
    const current = state.state === 'Running' ? state.phase : undefined;
    const known = current !== undefined && started.includes(`${state.run}/${current}`);
    const decision = decidePlan(state, { ...given, workflow: known ? outcome(current) : undefined });
    if (decision.start) started.push(`${decision.status.run}/${decision.start}`);
    if (!decision.start && JSON.stringify(decision.status) === JSON.stringify(state)) {
      return { ...decision, started: started.map((text) => text.split('/')[1]) };
    }
    state = decision.status;
  }
  throw new Error('it does not come to rest');
}

const installed = play({}, world).status;

describe('a plan', () => {
  test('installs phase by phase and remembers what is installed', () => {
    const end = play({}, world);
    expect(end.started).toEqual(['db', 'app']);
    expect(end.status).toMatchObject({ plan: 'install', state: 'Succeeded', installed: 'h1' });
  });

  test('stops at a phase that failed and tries again only for another spec', () => {
    const end = play({}, world, () => 'Failed');
    expect(end.started).toEqual(['db']);
    expect(end.status).toMatchObject({ state: 'Failed', phase: 'db' });
    expect(play(end.status, world).started).toEqual([]);
    expect(play(end.status, { ...world, specHash: 'h2' }).started).toEqual(['db', 'app']);
  });

  test('runs the phases of install for a changed spec when it has no upgrade of its own', () => {
    const end = play(installed, { ...world, specHash: 'h2' });
    expect(end.started).toEqual(['db', 'app']);
    expect(end.status).toMatchObject({ plan: 'upgrade', installed: 'h2' });
    const own = { ...world, specHash: 'h2', phases: { ...world.phases, upgrade: ['migrate'] } };
    expect(play(installed, own).started).toEqual(['migrate']);
  });

  test('lets the object go only after its delete phases', () => {
    const end = play(installed, { ...world, deleting: true });
    expect(end.started).toEqual(['backup']);
    expect(end.release).toBe(true);
    const failed = play(installed, { ...world, deleting: true }, () => 'Failed');
    expect(failed.release).toBe(false);
    const skipped = play(failed.status, { ...world, deleting: true, phases: { ...world.phases, delete: [] } });
    expect(skipped.started).toEqual([]);
  });

  test('breaks a run off when the object is deleted meanwhile', () => {
    const running = decidePlan({}, world).status;
    expect(decidePlan(running, { ...world, deleting: true, workflow: 'Running' }).stop).toBe('db');
    expect(decidePlan(running, { ...world, deleting: true, workflow: 'Failed' }).start).toBe('backup');
  });

  test('runs on schedule, once a period, and only when installed', () => {
    const hourly = { ...world, everyMs: 3_600_000 };
    expect(play({}, { ...hourly, nowMs: 1 }).started).toEqual(['db', 'app']);
    expect(play(installed, { ...hourly, nowMs: 3_000_000 })).toMatchObject({ started: [], requeueAfterMs: 600_000 });
    const first = play(installed, { ...hourly, nowMs: 3_600_000 });
    expect(first.started).toEqual(['check']);
    expect(first.requeueAfterMs).toBe(3_600_000);
    expect(play(first.status, { ...hourly, nowMs: 7_200_000 }).started).toEqual(['check']);
  });
});
