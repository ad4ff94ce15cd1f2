import type { PodObservation } from '../action.ts';
import { resumeWorkflow } from '../operations.ts';
import { randomOf } from '../random.ts';
import { isFinished, type Workflow } from '../workflow-types.ts';
import { brokenInvariants } from './invariants.ts';
import { Lots, randomWorkflow } from './random-workflow.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

/** How a simulated run went. No problems: every invariant held after every event, and it ended. */
export type SimulatedRun = {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly events: number;
  readonly nodes: number;
  readonly phase: string;
};

const maxEvents = 1_500;
const calmAfter = 120;
const maxProblems = 5;

/** Play a random workflow against random outcomes and faults. The same seed plays the same run. */
export function playSeed(seed: number): SimulatedRun {
  const lots = new Lots(randomOf(`simulation ${seed}`));
  const cluster = new SimulatedCluster(randomWorkflow(lots));
  const problems: string[] = [];
  let events = 0;
  for (; events < maxEvents && problems.length < maxProblems && !isFinished(cluster.workflow.status?.phase); events++) {
    const before = cluster.workflow;
    const calm = events > calmAfter;
    happen(cluster, lots, calm);
    settle(cluster, lots, calm, problems);
    problems.push(...brokenInvariants(before, cluster.workflow).map((problem) => `event ${events}: ${problem}`));
    if (lots.chance(0.3))
      problems.push(...differentAfterRestart(cluster).map((problem) => `event ${events}: ${problem}`));
  }
  problems.push(...cluster.problems, ...endProblems(cluster));
  const { phase = '', nodes = {} } = cluster.workflow.status ?? {};
  return { seed, problems: problems.slice(0, maxProblems), events, nodes: Object.keys(nodes).length, phase };
}

function outcomeOf(lots: Lots, calm: boolean): PodObservation {
  const draw = lots.below(100);
  if (calm || draw < 70) return { phase: 'Succeeded', exitCode: 0, result: '1' };
  if (draw < 85) return { phase: 'Failed', exitCode: 1, message: 'main: Error (exit code 1)' };
  return { phase: 'Error', message: 'lost' };
}

/** One thing happens: to a pod, to the clock, to the workflow, to the controller. */
function happen(cluster: SimulatedCluster, lots: Lots, calm: boolean): void {
  const live = cluster.live();
  const [id, phase] = live[lots.below(live.length)] ?? [];
  const draw = lots.below(100);
  if (id !== undefined && (calm || draw < 70)) {
    if (!calm && lots.chance(0.05)) cluster.report(id, undefined);
    else if (phase === 'Pending' && lots.chance(0.6))
      cluster.report(id, { phase: 'Running', ready: true, podIP: '127.0.0.9' });
    else cluster.report(id, outcomeOf(lots, calm));
  } else if (calm) resume(cluster);
  else interfere(cluster, lots, draw);
  cluster.now += calm ? 30_000 : lots.chance(0.03) ? 600_000 : lots.below(4_000);
}

/** Something happens to the controller, the clock or the workflow as a whole. */
function interfere(cluster: SimulatedCluster, lots: Lots, draw: number): void {
  if (draw < 80) cluster.restart();
  else if (draw < 83) cluster.now -= 3_000;
  else if (draw < 85) change(cluster, { spec: { suspend: lots.chance(0.3) } });
  else if (draw === 86 && lots.chance(0.3)) change(cluster, { spec: { shutdown: lots.pick(['Stop', 'Terminate']) } });
  else if (draw < 90) resume(cluster);
}

function change(cluster: SimulatedCluster, { spec }: { readonly spec: object }): void {
  cluster.workflow = { ...cluster.workflow, spec: { ...cluster.workflow.spec, ...spec } };
}

/** Somebody resumes what waits for somebody. */
function resume(cluster: SimulatedCluster): void {
  const result = resumeWorkflow(cluster.workflow, undefined, cluster.now);
  if (!result.ok) return;
  const { status } = result.patch as { readonly status?: Pick<NonNullable<Workflow['status']>, 'nodes'> };
  const nodes = { ...cluster.workflow.status?.nodes };
  for (const [id, patch] of Object.entries(status?.nodes ?? {})) nodes[id] = { ...nodes[id], ...patch };
  change(cluster, { spec: { suspend: false } });
  cluster.workflow = { ...cluster.workflow, status: { ...cluster.workflow.status, nodes } };
}

const maxPasses = 200;
const maxFaultyPasses = 20;

/** The controller looks, with faults, until nothing changes; then it must have something to wait for. */
function settle(cluster: SimulatedCluster, lots: Lots, calm: boolean, problems: string[]): void {
  for (let pass = 0; pass < maxPasses; pass++) {
    const faults =
      calm || pass > maxFaultyPasses
        ? {}
        : { loses: () => lots.chance(0.05), dies: lots.chance(0.05), lag: lots.chance(0.1) ? 1 + lots.below(2) : 0 };
    const changed = cluster.pass(faults);
    if (changed || (faults.lag ?? 0) > 0) continue;
    if (isStuck(cluster)) problems.push('stuck: it runs, waits for nothing and asks for no other look');
    return;
  }
  problems.push('it never comes to rest');
}

function isStuck(cluster: SimulatedCluster): boolean {
  const { status = {}, spec = {} } = cluster.workflow;
  if (isFinished(status.phase) || spec.suspend === true || cluster.live().length > 0) return false;
  const waits = Object.values(status.nodes ?? {}).some(({ type, phase }) => type === 'Suspend' && phase === 'Running');
  return !waits && cluster.look().nextLookAt === undefined;
}

/** A controller that has just started decides the same as one that has been there all the time. */
function differentAfterRestart(cluster: SimulatedCluster): readonly string[] {
  const kept = cluster.look();
  const fresh = cluster.look(structuredClone(cluster.workflow));
  const same = JSON.stringify([kept.status, kept.actions]) === JSON.stringify([fresh.status, fresh.actions]);
  return same ? [] : ['a controller that starts anew decides otherwise'];
}

function endProblems(cluster: SimulatedCluster): readonly string[] {
  const { phase } = cluster.workflow.status ?? {};
  if (!isFinished(phase)) return [`it has not ended after ${maxEvents} events`];
  return [
    ...(cluster.look().actions.length > 0 ? ['something is still done after its end'] : []),
    ...cluster.heldLocks().map((key) => `the lock ${key} is held after its end`),
  ];
}
