import { parseDurationMs } from '@sluice/expr';
import { type ObjectKey, resources } from '@sluice/model';
import {
  type OperationResult,
  type RerunOptions,
  resubmitWorkflow,
  resumeWorkflow,
  retryWorkflow,
  stopWorkflow,
  supplyOutputs,
  terminateWorkflow,
  type Workflow,
} from '@sluice/workflow';
import { checkExpectation, findNode } from './check.ts';
import type { PlayEntry, Scenario } from './scenario.ts';
import { resourceOf, World } from './world.ts';

/** How a scenario went: nothing when it holds, else what was wanted and what came. */
export type ScenarioResult = {
  readonly name: string;
  readonly features: readonly string[];
  readonly problems: readonly string[];
};

/** Play one scenario to its end or to its first entry that does not hold. */
export async function playScenario(scenario: Scenario): Promise<ScenarioResult> {
  const { name, features } = scenario;
  try {
    const problems = await play(scenario);
    return { name, features, problems };
  } catch (error) {
    return {
      name,
      features,
      problems: [
        `the run broke: ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error)}`,
      ],
    };
  }
}

async function play(scenario: Scenario): Promise<readonly string[]> {
  const world = new World(scenario);
  const { metadata } = scenario.workflow;
  let main: ObjectKey = { namespace: metadata.namespace ?? 'default', name: metadata.name };
  const others = (scenario.otherWorkflows ?? []).map((other): ObjectKey => ({
    namespace: other.metadata.namespace ?? 'default',
    name: other.metadata.name,
  }));
  let all = [...others, main];
  await world.settle(all);
  for (const [index, entry] of scenario.play.entries()) {
    if (entry.action === 'resubmit') {
      const old = world.workflow(main);
      const made = old ? resubmit(world, old, entry) : 'the workflow is gone';
      if (typeof made === 'string') return [`play[${index}]: resubmit: ${made}`];
      main = made;
      all = [...all, main];
      await world.settle(all);
      continue;
    }
    const problems = await playEntry(world, main, entry);
    if (problems.length > 0) return problems.map((problem) => `play[${index}]: ${problem}`);
    if (!entry.expect || Object.keys(entry).length > 1) await world.settle(all);
  }
  return [];
}

async function playEntry(world: World, main: ObjectKey, entry: PlayEntry): Promise<readonly string[]> {
  const workflow = world.workflow(main);
  if (!workflow) return ['the workflow is gone'];
  if (entry.pods || entry.allOtherPods) {
    const problem = reportPods(world, entry);
    if (problem) return [problem];
  }
  for (const node of entry.deletePods ?? []) {
    const pod = world.podOf(node, namesOf(world));
    if (!pod) return [`deletePods: node ${node} has no pod`];
    await world.remove(resources.pods, { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name });
  }
  await changeWorld(world, main, entry);
  const operated = await operate(world, main, workflow, entry);
  if (operated) return [operated];
  return entry.expect ? checkExpectation(world, world.workflow(main) ?? workflow, entry.expect) : [];
}

/** What happens around the workflow: time, other objects, the controller itself. */
async function changeWorld(world: World, main: ObjectKey, entry: PlayEntry): Promise<void> {
  if (entry.advance) world.now += parseDurationMs(entry.advance) ?? 0;
  if (entry.patchWorkflow) await patch(world, main, entry.patchWorkflow);
  if (entry.apply)
    world.apply({ ...entry.apply, metadata: { namespace: main.namespace ?? '', ...entry.apply.metadata } });
  if (entry.delete)
    await world.remove(resourceOf(entry.delete.kind), {
      namespace: entry.delete.namespace ?? main.namespace ?? '',
      name: entry.delete.name,
    });
  if (entry.restartController) world.restart();
  if (entry.denyCreate) world.denied = entry.denyCreate;
}

async function patch(world: World, main: ObjectKey, body: object): Promise<void> {
  await world.kube.patch(resources.workflows, main, { type: 'merge', body });
}

async function operate(
  world: World,
  main: ObjectKey,
  workflow: Workflow,
  entry: PlayEntry,
): Promise<string | undefined> {
  const result = operation(world, workflow, entry);
  if (!result) return undefined;
  if (!result.ok) return entry.fails ? undefined : `${entry.action ?? 'setOutputs'}: ${result.message}`;
  if (entry.fails) return `${entry.action}: it must be refused`;
  await patch(world, main, result.patch);
  return undefined;
}

function operation(world: World, workflow: Workflow, entry: PlayEntry): OperationResult | undefined {
  if (entry.setOutputs) {
    const { node, parameters } = entry.setOutputs;
    const found = findNode(Object.values(workflow.status?.nodes ?? {}), node);
    return supplyOutputs(workflow, `id=${found?.id ?? node}`, parameters);
  }
  switch (entry.action) {
    case undefined:
      return undefined;
    case 'resume':
      return resumeWorkflow(workflow, entry.nodes, world.now, entry.message);
    case 'stop':
      return stopWorkflow(workflow, entry.nodes, world.now, entry.message);
    case 'terminate':
      return terminateWorkflow();
    case 'suspend':
      return { ok: true, patch: { spec: { suspend: true } } };
    case 'retry':
      return retryWorkflow(workflow, rerunOptions(entry), world.now);
    default:
      return { ok: false, message: `the action ${entry.action} is not supported yet` };
  }
}

function rerunOptions(entry: PlayEntry): RerunOptions {
  const { parameters = [] } = entry;
  const pairs = Array.isArray(parameters)
    ? parameters.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
    : Object.entries(parameters);
  return {
    parameters: Object.fromEntries(pairs),
    restartSuccessful: entry.restartSuccessful === true,
    ...(entry.nodes ? { nodeFieldSelector: entry.nodes } : {}),
  };
}

/** Make a new run of the workflow. Later entries speak of the new one. */
function resubmit(world: World, workflow: Workflow, entry: PlayEntry): ObjectKey | string {
  const { namespace = 'default', name } = workflow.metadata;
  const made = resubmitWorkflow(
    workflow,
    `${name}-again`,
    { ...rerunOptions(entry), memoized: entry.memoized === true },
    world.now,
  );
  if (!made.ok) return made.message;
  world.apply(made.workflow);
  return { namespace, name: made.workflow.metadata.name };
}

function namesOf(world: World): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const workflow of world.kube.objects<Workflow>(resources.workflows)) {
    for (const node of Object.values(workflow.status?.nodes ?? {}))
      if (!names.has(node.displayName)) names.set(node.displayName, node.name);
    for (const node of Object.values(workflow.status?.nodes ?? {})) names.set(node.name, node.name);
  }
  return names;
}

function reportPods(world: World, entry: PlayEntry): string | undefined {
  const names = namesOf(world);
  const reported = new Set<string>();
  for (const report of entry.pods ?? []) {
    const pod = world.podOf(report.node, names);
    if (!pod)
      return `pods: node ${report.node} has no pod; there are ${world
        .pods()
        .map(({ metadata }) => metadata.annotations?.['workflows.argoproj.io/node-name'])
        .join(', ')}`;
    reported.add(pod.metadata.name);
    world.report(pod, report);
  }
  if (!entry.allOtherPods) return undefined;
  for (const pod of world.pods()) {
    const phase = (pod.status as { readonly phase?: string } | undefined)?.phase ?? 'Pending';
    if (reported.has(pod.metadata.name) || phase === 'Succeeded' || phase === 'Failed') continue;
    world.report(pod, { phase: entry.allOtherPods, ...(entry.allOtherPods === 'Failed' ? { exitCode: 1 } : {}) });
  }
  return undefined;
}
