import type { Json, JsonObject, KubeObject } from '@sluice/model';
import { parseDurationMs } from '@sluice/expr';
import type { NodeStatus, Workflow } from '@sluice/workflow';
import { isFulfilled } from '@sluice/workflow';
import type { Expectation, NodeExpectation } from './scenario.ts';
import { resourceOf, type World } from './world.ts';

type Wrong = (what: string, wanted: unknown, got: unknown) => void;

const collapse = (text: unknown): string =>
  (typeof text === 'string' ? text : text === undefined || text === null ? '' : JSON.stringify(text))
    .replace(/\s+/g, ' ')
    .trim();
const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Everything in an expectation that does not hold, as lines for people. */
export function checkExpectation(world: World, workflow: Workflow, expected: Expectation): readonly string[] {
  const problems: string[] = [];
  const wrong: Wrong = (what, wanted, got) =>
    void problems.push(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
  const status = workflow.status ?? {};
  const nodes = Object.values(status.nodes ?? {});
  for (const [key, value] of Object.entries(expected)) {
    const check = checks[key];
    if (check) check({ world, workflow, nodes, value, wrong });
    else if (key !== 'otherWorkflows') wrong('the player', 'a known key', key);
  }
  for (const [name, other] of Object.entries(expected.otherWorkflows ?? {})) {
    const found = world.kube.objects<Workflow>(resourceOf('Workflow')).find(({ metadata }) => metadata.name === name);
    if (!found) wrong(`workflow ${name}`, 'to exist', undefined);
    else problems.push(...checkExpectation(world, found, other).map((problem) => `${name}: ${problem}`));
  }
  return problems;
}

type CheckInput = {
  readonly world: World;
  readonly workflow: Workflow;
  readonly nodes: readonly NodeStatus[];
  readonly value: unknown;
  readonly wrong: Wrong;
};

const checks: Readonly<Record<string, (input: CheckInput) => void>> = {
  phase: ({ workflow, value, wrong }) => equal('phase', value, workflow.status?.phase ?? '', wrong),
  message: ({ workflow, value, wrong }) => equal('message', collapse(value), collapse(workflow.status?.message), wrong),
  messageContains: ({ workflow, value, wrong }) => contains('message', value, workflow.status?.message, wrong),
  invalid: ({ workflow, value, wrong }) =>
    equal('refused', value, ['Failed', 'Error'].includes(workflow.status?.phase ?? ''), wrong),
  nodes: ({ world, nodes, value, wrong }) => {
    for (const [name, wanted] of Object.entries(record(value)))
      checkNode(world, nodes, name, wanted as NodeExpectation, wrong);
  },
  nodeCount: ({ nodes, value, wrong }) => equal('nodeCount', value, nodes.length, wrong),
  absentNodes: ({ nodes, value, wrong }) => {
    for (const name of list(value))
      if (findNode(nodes, String(name))) wrong(`node ${String(name)}`, 'absent', findNode(nodes, String(name))?.phase);
  },
  nodeGlob: ({ nodes, value, wrong }) => {
    for (const [glob, wanted] of Object.entries(record(value))) checkGlob(nodes, glob, record(wanted), wrong);
  },
  pods: ({ world, workflow, value, wrong }) =>
    equal('pods', list(value).map(String).toSorted(), livePods(world, workflow, list(value).map(String)), wrong),
  podCount: ({ world, workflow, value, wrong }) =>
    equal('podCount', value, livePods(world, workflow, []).length, wrong),
  podSpec: ({ world, workflow, value, wrong }) => {
    for (const item of list(value)) checkPodSpec(world, workflow, record(item), wrong);
  },
  outputs: ({ workflow, value, wrong }) =>
    checkOutputs('outputs', record(value), record(workflow.status?.outputs), wrong),
  conditions: ({ workflow, value, wrong }) => {
    for (const [type, wanted] of Object.entries(record(value)))
      equal(
        `condition ${type}`,
        wanted,
        workflow.status?.conditions?.find((condition) => condition.type === type)?.status,
        wrong,
      );
  },
  absentConditions: ({ workflow, value, wrong }) => {
    for (const type of list(value))
      if (workflow.status?.conditions?.some((condition) => condition.type === type))
        wrong(`condition ${String(type)}`, 'absent', 'there');
  },
  labels: ({ workflow, value, wrong }) => {
    for (const [key, wanted] of Object.entries(record(value)))
      equal(`label ${key}`, wanted, workflow.metadata.labels?.[key], wrong);
  },
  annotations: ({ workflow, value, wrong }) => {
    for (const [key, wanted] of Object.entries(record(value)))
      equal(`annotation ${key}`, wanted, workflow.metadata.annotations?.[key], wrong);
  },
  synchronization: ({ workflow, value, wrong }) => checkLocks(workflow, record(value), wrong),
  objects: ({ world, workflow, value, wrong }) => {
    for (const item of list(value)) checkObject(world, workflow, record(item), wrong);
  },
  requeueWithin: ({ world, value, wrong }) => {
    const limit = parseDurationMs(String(value)) ?? 0;
    if (world.requeueAfterMs === undefined || world.requeueAfterMs > limit)
      wrong('requeueWithin', value, world.requeueAfterMs);
  },
  progress: ({ workflow, value, wrong }) => equal('progress', value, workflow.status?.progress, wrong),
  events: ({ world, value, wrong }) => {
    for (const wanted of list(value))
      if (!world.events.some((event) => collapse(event).startsWith(collapse(wanted))))
        wrong('events', wanted, world.events);
  },
};

function equal(what: string, wanted: unknown, got: unknown, wrong: Wrong): void {
  if (JSON.stringify(sorted(wanted)) !== JSON.stringify(sorted(got))) wrong(what, wanted, got);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

function contains(what: string, wanted: unknown, got: unknown, wrong: Wrong): void {
  for (const part of list(wanted)) if (!collapse(got).includes(collapse(part))) wrong(`${what} contains`, part, got);
}

/** A node by its full name, else by its display name. */
export function findNode(nodes: readonly NodeStatus[], name: string): NodeStatus | undefined {
  return nodes.find((node) => node.name === name) ?? nodes.find((node) => node.displayName === name);
}

function checkNode(
  world: World,
  nodes: readonly NodeStatus[],
  name: string,
  wanted: NodeExpectation,
  wrong: Wrong,
): void {
  const node = findNode(nodes, name);
  if (!node)
    return wrong(
      `node ${name}`,
      'to exist',
      nodes.map((other) => other.name),
    );
  const nameOf = (id: string): string => nodes.find((other) => other.id === id)?.name ?? id;
  for (const [key, value] of Object.entries(wanted)) {
    const what = `node ${name}.${key}`;
    if (key === 'messageContains') contains(what, value, node.message, wrong);
    else if (key === 'message') equal(what, collapse(value), collapse(node.message), wrong);
    else if (key === 'boundary') equal(what, value, nameOf(node.boundaryID ?? ''), wrong);
    else if (key === 'children')
      equal(what, namesOf(nodes, list(value)).toSorted(), (node.children ?? []).map(nameOf).toSorted(), wrong);
    else if (key === 'fulfilled') equal(what, value, isFulfilled(node), wrong);
    else if (key === 'outputs' || key === 'inputs') checkOutputs(what, record(value), record(node[key]), wrong);
    else if (key === 'absentOutputs') checkAbsentOutputs(what, node, list(value), wrong);
    else if (key === 'nodeFlag')
      for (const [flag, on] of Object.entries(record(value)))
        equal(`${what}.${flag}`, on, record(node.nodeFlag)[flag] ?? false, wrong);
    else if (key === 'memoization') checkSubset(what, record(value), record(node.memoizationStatus), wrong);
    else equal(what, value, (node as unknown as JsonObject)[key] ?? (value === false ? false : undefined), wrong);
  }
  void world;
}

function namesOf(nodes: readonly NodeStatus[], names: readonly unknown[]): string[] {
  return names.map((name) => findNode(nodes, String(name))?.name ?? String(name));
}

function checkSubset(
  what: string,
  wanted: Readonly<Record<string, unknown>>,
  got: Readonly<Record<string, unknown>>,
  wrong: Wrong,
): void {
  for (const [key, value] of Object.entries(wanted)) equal(`${what}.${key}`, value, got[key], wrong);
}

type Named = { readonly name: string; readonly value?: Json; readonly enum?: Json };

function checkOutputs(
  what: string,
  wanted: Readonly<Record<string, unknown>>,
  got: Readonly<Record<string, unknown>>,
  wrong: Wrong,
): void {
  const parameters = list(got['parameters']) as readonly Named[];
  for (const [name, value] of Object.entries(record(wanted['parameters']))) {
    const found = parameters.find((parameter) => parameter.name === name)?.value;
    equal(`${what}.parameters.${name}`, collapse(value), collapse(found), wrong);
  }
  for (const [name, value] of Object.entries(record(wanted['enums'])))
    equal(`${what}.enums.${name}`, value, parameters.find((parameter) => parameter.name === name)?.enum, wrong);
  const artifacts = new Set((list(got['artifacts']) as readonly Named[]).map(({ name }) => name));
  for (const name of list(wanted['artifacts']))
    if (!artifacts.has(String(name))) wrong(`${what}.artifacts`, name, [...artifacts]);
  for (const key of ['result', 'exitCode'])
    if (wanted[key] !== undefined) equal(`${what}.${key}`, collapse(wanted[key]), collapse(got[key]), wrong);
}

function checkAbsentOutputs(what: string, node: NodeStatus, names: readonly unknown[], wrong: Wrong): void {
  const there = new Set(
    [
      ...(node.outputs?.parameters ?? []).filter(({ value }) => value !== undefined),
      ...(node.outputs?.artifacts ?? []),
    ].map(({ name }) => name),
  );
  for (const name of names)
    if (there.has(String(name)) || (name === 'result' && node.outputs?.result !== undefined))
      wrong(what, `no ${String(name)}`, [...there]);
}

function globPattern(glob: string): RegExp {
  return new RegExp(
    `^${glob
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  );
}

function checkGlob(
  nodes: readonly NodeStatus[],
  glob: string,
  wanted: Readonly<Record<string, unknown>>,
  wrong: Wrong,
): void {
  const pattern = globPattern(glob);
  const found = nodes.filter((node) => pattern.test(node.name) || pattern.test(node.displayName));
  if (wanted['count'] !== undefined) equal(`nodes ${glob}`, wanted['count'], found.length, wrong);
  for (const [key, value] of Object.entries(wanted)) {
    if (key !== 'count') for (const node of found) checkNodeField(node, key, value, wrong);
  }
}

function checkNodeField(node: NodeStatus, key: string, value: unknown, wrong: Wrong): void {
  if (key === 'messageContains') contains(`node ${node.name}`, value, node.message, wrong);
  else equal(`node ${node.name}.${key}`, value, (node as unknown as JsonObject)[key], wrong);
}

function nodeNameOf(pod: KubeObject): string {
  return pod.metadata.annotations?.['workflows.argoproj.io/node-name'] ?? pod.metadata.name;
}

/** Names of nodes with a live pod; by display name where the scenario used that. */
function livePods(world: World, workflow: Workflow, wanted: readonly string[]): readonly string[] {
  const live = world.pods().filter((pod) => {
    const phase = (pod.status as { readonly phase?: string } | undefined)?.phase ?? 'Pending';
    return (
      pod.metadata.labels?.['workflows.argoproj.io/workflow'] === workflow.metadata.name &&
      (phase === 'Pending' || phase === 'Running')
    );
  });
  const nodes = Object.values(workflow.status?.nodes ?? {});
  return live
    .map(nodeNameOf)
    .map((name) => {
      const display = nodes.find((node) => node.name === name)?.displayName;
      return !wanted.includes(name) && display !== undefined && wanted.includes(display) ? display : name;
    })
    .toSorted();
}

function checkPodSpec(world: World, workflow: Workflow, item: Readonly<Record<string, unknown>>, wrong: Wrong): void {
  const name = String(item['node']);
  const full = findNode(Object.values(workflow.status?.nodes ?? {}), name)?.name ?? name;
  const pod = world.pods().find((other) => nodeNameOf(other) === full);
  if (!pod) return wrong(`pod of ${name}`, 'to exist', undefined);
  const pointer = String(item['pointer']);
  const value = atPointer(pod, pointer);
  if (item['equals'] !== undefined) equal(`pod of ${name} ${pointer}`, item['equals'], value, wrong);
  if (item['contains'] !== undefined) contains(`pod of ${name} ${pointer}`, item['contains'], value, wrong);
  if (item['absent'] === true && value !== undefined) wrong(`pod of ${name} ${pointer}`, 'absent', value);
}

/** A JSON pointer in which items of lists may be named. */
function atPointer(root: unknown, pointer: string): unknown {
  let value = root;
  for (const part of pointer
    .split('/')
    .slice(1)
    .map((text) => text.replaceAll('~1', '/').replaceAll('~0', '~'))) {
    if (Array.isArray(value))
      value = /^\d+$/.test(part) ? value[Number(part)] : value.find((item: Named) => item?.name === part);
    else value = record(value)[part];
  }
  return value;
}

function checkLocks(workflow: Workflow, wanted: Readonly<Record<string, unknown>>, wrong: Wrong): void {
  const found: { holding: string[]; waiting: string[] } = { holding: [], waiting: [] };
  for (const kind of Object.values(record(workflow.status?.synchronization))) {
    for (const key of ['holding', 'waiting'] as const) {
      for (const lock of list(record(kind)[key]))
        found[key].push(collapse(record(lock)['mutex'] ?? record(lock)['semaphore']));
    }
  }
  for (const key of ['holding', 'waiting'] as const)
    if (wanted[key] !== undefined)
      equal(`synchronization.${key}`, list(wanted[key]).map(String).toSorted(), found[key].toSorted(), wrong);
}

function checkObject(world: World, workflow: Workflow, wanted: Readonly<Record<string, unknown>>, wrong: Wrong): void {
  const what = `${String(wanted['kind'])} ${String(wanted['name'])}`;
  const namespace = wanted['namespace'] ?? workflow.metadata.namespace;
  const resource = resourceOf(String(wanted['kind']));
  const found = world.kube
    .objects(resource)
    .find(
      ({ metadata }) => metadata.name === wanted['name'] && (!resource.namespaced || metadata.namespace === namespace),
    );
  if (wanted['exists'] !== undefined) equal(`${what} exists`, wanted['exists'], found !== undefined, wrong);
  if (!found) return;
  checkSubset(`${what} labels`, record(wanted['labels']), record(found.metadata.labels), wrong);
  const data = record((found as unknown as JsonObject)['data']);
  for (const [key, value] of Object.entries(record(wanted['data'])))
    equal(`${what} data ${key}`, collapse(value), collapse(data[key]), wrong);
  for (const [key, value] of Object.entries(record(wanted['dataContains'])))
    contains(`${what} data ${key}`, value, data[key], wrong);
}
