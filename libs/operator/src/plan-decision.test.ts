import { describe, expect, test } from 'vitest';
import { decidePlan, type PlanWorld } from './plan-decision.ts';
import type { PlanStatus } from './plan-status.ts';

const hourMs = 3_600_000;

/** Plans of a database: `s` is the hash of the spec but for `r`, its replicas. */
function worldOf(wish: { s: string; r?: string }, change: Partial<PlanWorld> = {}): PlanWorld {
  const plans = {
    install: { phases: ['provision', 'seed'] },
    upgrade: { phases: ['migrate', 'switch'], wish: wish.s },
    resize: { phases: ['scale'], wish: wish.r ?? 'r1' },
    backup: { phases: ['dump'], everyMs: hourMs },
    delete: { phases: ['export'] },
  };
  return { plans, deleting: false, createdMs: 0, nowMs: 0, workflow: undefined, ...change };
}

type Outcome = 'Running' | 'Succeeded' | 'Failed';

/**
 * Play until nothing more happens. Workflows that were started stay, as on a cluster. `started` has each once, in order; a start of
 * one that is there is what AlreadyExists would be.
 */
class Play {
  status: PlanStatus;
  readonly workflows = new Map<string, Outcome>();
  readonly started: string[] = [];
  release = false;
  requeueAfterMs: number | undefined;

  constructor(status: PlanStatus = {}) {
    this.status = status;
  }

  run(world: PlanWorld, outcome: (phase: string) => Outcome = () => 'Succeeded'): this {
    for (let pass = 0; pass < 30; pass++) {
      const { run } = this.status;
      const workflow = this.workflows.get(`${run?.number}/${run?.phase}`);
      const decision = decidePlan(this.status, { ...world, workflow });
      const same = JSON.stringify(decision.status) === JSON.stringify(this.status);
      this.status = decision.status;
      this.release = decision.release ?? false;
      this.requeueAfterMs = decision.requeueAfterMs;
      if (decision.stop) this.workflows.set(`${this.status.run?.number}/${decision.stop}`, 'Failed');
      else if (decision.start) {
        const id = `${this.status.run?.number}/${decision.start}`;
        if (!this.workflows.has(id)) this.started.push(decision.start);
        if (!this.workflows.has(id)) this.workflows.set(id, outcome(decision.start));
      } else if (same) return this;
    }
    throw new Error('it does not come to rest');
  }

  /** What was started by a further play. */
  more(world: PlanWorld, outcome?: (phase: string) => Outcome): readonly string[] {
    const before = this.started.length;
    this.run(world, outcome);
    return this.started.slice(before);
  }
}

const first = worldOf({ s: 's1' });
const installed = () => new Play().run(first);

describe('a plan', () => {
  test('installs phase by phase and remembers what is in effect', () => {
    const play = installed();
    expect(play.started).toEqual(['provision', 'seed']);
    expect(play.status).toMatchObject({
      run: { plan: 'install', number: 1, state: 'Succeeded' },
      plans: { install: { state: 'Succeeded', number: 1, phase: 'seed' } },
      applied: { upgrade: 's1', resize: 'r1' },
    });
    expect(play.more(first)).toEqual([]);
  });

  test('stops at a phase that failed and installs again only for another spec', () => {
    const play = new Play().run(first, () => 'Failed');
    expect(play.started).toEqual(['provision']);
    expect(play.more(first)).toEqual([]);
    expect(play.more(worldOf({ s: 's2' }))).toEqual(['provision', 'seed']);
    expect(play.status.run?.number).toBe(2);
  });

  test('runs once for a change of the spec', () => {
    const play = installed();
    expect(play.more(worldOf({ s: 's2' }))).toEqual(['migrate', 'switch']);
    expect(play.more(worldOf({ s: 's2' }))).toEqual([]);
  });

  test('runs the plan of the field that changed and no other', () => {
    const play = installed();
    expect(play.more(worldOf({ s: 's1', r: 'r2' }))).toEqual(['scale']);
    expect(play.more(worldOf({ s: 's2', r: 'r3' }))).toEqual(['migrate', 'switch', 'scale']);
  });

  test('runs again for a spec that was in effect before', () => {
    const play = installed();
    expect(play.more(worldOf({ s: 's2' }))).toEqual(['migrate', 'switch']);
    expect(play.more(worldOf({ s: 's1' }))).toEqual(['migrate', 'switch']);
    expect(play.more(worldOf({ s: 's2' }))).toEqual(['migrate', 'switch']);
  });

  test('goes back to the former spec after an upgrade that failed, for nobody knows what it left', () => {
    const play = installed();
    expect(play.more(worldOf({ s: 's2' }), () => 'Failed')).toEqual(['migrate']);
    expect(play.more(worldOf({ s: 's2' }))).toEqual([]);
    expect(play.more(worldOf({ s: 's1' }))).toEqual(['migrate', 'switch']);
    expect(play.status.applied?.['upgrade']).toBe('s1');
  });

  test('lets a phase end when the spec changes meanwhile, and begins anew for the new spec', () => {
    const play = installed();
    play.run(worldOf({ s: 's2' }), () => 'Running');
    expect(play.more(worldOf({ s: 's3' }))).toEqual([]);
    play.workflows.set('2/migrate', 'Succeeded');
    expect(play.more(worldOf({ s: 's3' }))).toEqual(['migrate', 'switch']);
    expect(play.status).toMatchObject({ run: { number: 3, state: 'Succeeded' }, applied: { upgrade: 's3' } });
  });

  test('runs on schedule once a period, only when installed, and makes up for no missed time', () => {
    const play = new Play().run(worldOf({ s: 's1' }, { nowMs: 5 * hourMs }), () => 'Failed');
    expect(play.started).toEqual(['provision']);
    const other = installed();
    expect(other.more({ ...first, nowMs: hourMs - 1 })).toEqual([]);
    expect(other.requeueAfterMs).toBe(1);
    expect(other.more({ ...first, nowMs: hourMs })).toEqual(['dump']);
    expect(other.more({ ...first, nowMs: hourMs + 5 })).toEqual([]);
    expect(other.requeueAfterMs).toBe(hourMs - 5);
    expect(other.more({ ...first, nowMs: 7.5 * hourMs })).toEqual(['dump']);
    expect(other.requeueAfterMs).toBe(0.5 * hourMs);
  });

  test('a scheduled run that failed does not hold up an upgrade', () => {
    const play = installed();
    expect(play.more({ ...first, nowMs: hourMs }, () => 'Failed')).toEqual(['dump']);
    expect(play.more(worldOf({ s: 's2' }, { nowMs: hourMs + 1 }))).toEqual(['migrate', 'switch']);
  });

  test('runs a plan by hand once for each request, and does not move the schedule with it', () => {
    const play = installed();
    expect(play.more({ ...first, trigger: 'backup', nowMs: 10 })).toEqual(['dump']);
    expect(play.more({ ...first, trigger: 'backup', nowMs: 20 })).toEqual([]);
    expect(play.more({ ...first, trigger: 'backup:2', nowMs: 30 })).toEqual(['dump']);
    expect(play.requeueAfterMs).toBe(hourMs - 30);
    expect(play.more({ ...first, trigger: 'nonsense' })).toEqual([]);
  });

  test('tries a failed upgrade again by hand', () => {
    const play = installed();
    play.run(worldOf({ s: 's2' }), () => 'Failed');
    expect(play.more(worldOf({ s: 's2' }, { trigger: 'upgrade' }))).toEqual(['migrate', 'switch']);
    expect(play.status.applied?.['upgrade']).toBe('s2');
  });

  test('lets the object go only after its delete phases', () => {
    const play = installed();
    expect(play.more({ ...first, deleting: true })).toEqual(['export']);
    expect(play.release).toBe(true);
    const failed = installed().run({ ...first, deleting: true }, () => 'Failed');
    expect(failed.release).toBe(false);
    expect(failed.more({ ...first, deleting: true })).toEqual([]);
    expect(failed.more({ ...first, deleting: true, trigger: 'delete:2' })).toEqual(['export']);
    expect(failed.release).toBe(true);
  });

  test('an object that was never begun goes without a delete plan, as does one whose plan is skipped', () => {
    expect(new Play().run({ ...first, deleting: true })).toMatchObject({ started: [], release: true });
    const { delete: _, ...plans } = first.plans;
    const skipped = installed().run({ ...first, plans, deleting: true });
    expect(skipped.release).toBe(true);
  });

  test('breaks a run off when the object is deleted meanwhile', () => {
    const play = installed();
    play.run(worldOf({ s: 's2' }), () => 'Running');
    expect(play.more({ ...first, deleting: true })).toEqual(['export']);
    expect(play.status.plans?.['upgrade']?.state).toBe('Superseded');
    expect(play.workflows.get('2/migrate')).toBe('Failed');
  });

  test('ends a run whose phase the program no longer knows', () => {
    const play = installed();
    play.run(worldOf({ s: 's2' }), () => 'Running');
    const plans = { ...first.plans, upgrade: { phases: ['copy'], wish: 's2' } };
    expect(play.more({ ...first, plans })).toEqual(['copy']);
  });

  test('decides the same again over an unchanged world, at every moment', () => {
    const worlds = [first, worldOf({ s: 's2' }), { ...first, nowMs: hourMs }, { ...first, deleting: true }];
    for (const world of worlds) {
      for (const workflow of [undefined, 'Running', 'Succeeded', 'Failed'] as const) {
        const { status } = decidePlan(installed().status, { ...world, workflow });
        const once = decidePlan(status, { ...world, workflow: 'Running' });
        expect(decidePlan(once.status, { ...world, workflow: 'Running' })).toEqual(once);
      }
    }
  });
});
