import { decide, type PodObservation, type Workflow, type WorkflowSpec } from '@sluice/workflow';
import { logSlope, median, ratioOf } from './ratio.ts';
import { runPods, runWorkflow, type Stage, startStage } from './workflow-stage.ts';

type Report = (line: string) => void;
const work = { name: 'work', container: { image: 'tools', command: ['true'] } };

function makeSpec(main: object): WorkflowSpec {
  const podGC = { strategy: 'OnPodCompletion' };
  return { entrypoint: 'main', podGC, templates: [{ name: 'main', ...main }, work] };
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

type Versus = {
  readonly rounds: number;
  readonly own: (stage: Stage, round: number) => Promise<unknown>;
  readonly floor: (stage: Stage, round: number) => Promise<unknown>;
};

/** Subject and floor in turns on the same server; the first round warms up and does not count. */
async function versus(stage: Stage, { rounds, own, floor }: Versus): Promise<{ own: number[]; floor: number[] }> {
  const times: { own: number[]; floor: number[] } = { own: [], floor: [] };
  for (let round = 0; round <= rounds; round++) {
    const least = await timed(() => floor(stage, round));
    const ours = await timed(() => own(stage, round));
    if (round === 0) continue;
    times.floor.push(least);
    times.own.push(ours);
  }
  return times;
}

/** B2: a hundred steps, one after the other, each a pod. */
export async function benchSequential(report: Report): Promise<void> {
  const stage = await startStage();
  const count = 100;
  const steps = Array.from({ length: count }, (_, index) => [{ name: `s${index}`, template: 'work' }]);
  const rounds = 15;
  const times = await versus(stage, {
    rounds,
    floor: (on, round) => runPods(on, `floor-${round}`, count, 1),
    own: (on, round) => runWorkflow(on, `seq-${round}`, makeSpec({ steps })),
  });
  const { requests, statusWrites } = stage.counted;
  await stage.close();
  report(
    `B2 ${count} sequential steps: ${median(times.own).toFixed(0)} ms, floor ${median(times.floor).toFixed(0)} ms`,
  );
  report(`   ${ratioOf(times.own, times.floor)}`);
  const steps100 = (rounds + 1) * count;
  report(
    `   ${(statusWrites / steps100).toFixed(2)} status writes a step; ${(requests / steps100).toFixed(2)} writes a step with create and delete of its pod`,
  );
}

/** B3: a thousand steps side by side. */
export async function benchFanOut(report: Report): Promise<void> {
  const stage = await startStage();
  const count = 1_000;
  const withSequence = { count };
  const rounds = 3;
  const before = process.memoryUsage().rss;
  const times = await versus(stage, {
    rounds,
    floor: (on, round) => runPods(on, `floor-${round}`, count, 16),
    own: (on, round) =>
      runWorkflow(on, `wide-${round}`, makeSpec({ steps: [[{ name: 'each', template: 'work', withSequence }]] })),
  });
  const { statusWrites, largestWrite } = stage.counted;
  const grown = (process.memoryUsage().rss - before) / 1e6;
  await stage.close();
  report(
    `B3 ${count} steps side by side: ${median(times.own).toFixed(0)} ms, floor ${median(times.floor).toFixed(0)} ms`,
  );
  report(`   ${ratioOf(times.own, times.floor)}`);
  report(
    `   ${(statusWrites / (rounds + 1)).toFixed(1)} status writes a run, the largest ${(largestWrite / 1_000).toFixed(0)} KB; resident memory grew by ${grown.toFixed(0)} MB (server, node and controller in one process)`,
  );
}

const shapes: Readonly<Record<string, (count: number) => object>> = {
  chain: (count) => ({ dag: { tasks: range(count).map((index) => taskOf(index, index > 0 ? [index - 1] : [])) } }),
  steps: (count) => ({ steps: range(count).map((index) => [{ name: `s${index}`, template: 'work' }]) }),
  wide: (count) => ({ steps: [[{ name: 'each', template: 'work', withSequence: { count } }]] }),
  diamond: (count) => ({
    dag: {
      tasks: range(count).map((index) => {
        const layer = Math.floor(index / 10) - 1;
        return taskOf(index, layer < 0 ? [] : range(10).map((at) => layer * 10 + at));
      }),
    },
  }),
};

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function taskOf(index: number, dependencies: readonly number[]): object {
  return { name: `t${index}`, template: 'work', dependencies: dependencies.map((other) => `t${other}`) };
}

const sizes = [100, 300, 1_000, 3_000, 10_000];

/** B9: what decisions cost, against the number of nodes: every pod ends at once, every end is a pass of its own. */
export async function benchGrowth(report: Report): Promise<void> {
  for (const [name, main] of Object.entries(shapes)) {
    const points = sizes.map((size) => [size, costOf(size, makeSpec(main(size)))] as const);
    const each = points.map(([size, ms]) => `${size}: ${((ms * 1_000) / size).toFixed(0)}`).join(', ');
    report(`B9 ${name}: log-log slope ${logSlope(points).toFixed(2)}; microseconds of CPU a node at ${each}`);
  }
}

/** The least CPU of three runs in milliseconds. */
function costOf(size: number, spec: WorkflowSpec): number {
  const runs = size > 1_000 ? 1 : 3;
  return Math.min(...range(runs).map(() => playThrough(size, spec)));
}

function playThrough(size: number, spec: WorkflowSpec): number {
  const metadata = { name: 'wf', namespace: 'bench', uid: 'uid' };
  let workflow: Workflow = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata, spec };
  const pods = new Map<string, PodObservation>();
  const lookup = { workflowTemplate: () => undefined, configMap: () => undefined };
  const before = process.cpuUsage();
  for (let pass = 0; pass < size * 2 + 10 && !workflow.status?.finishedAt; pass++) {
    const decision = decide({ workflow, lookup, pods, now: 1_700_000_000_000 + pass });
    for (const action of decision.actions)
      if (action.kind === 'CreatePod') pods.set(action.nodeId, { phase: 'Succeeded', exitCode: 0 });
    workflow = { ...workflow, status: decision.status };
  }
  if (workflow.status?.phase !== 'Succeeded') throw new Error(`${workflow.status?.phase}: ${workflow.status?.message}`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
