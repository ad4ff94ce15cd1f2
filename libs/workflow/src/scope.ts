import type { Json } from '@sluice/model';
import { valueText } from './pass.ts';
import type { VariableLayer } from './variables.ts';
import { type Artifact, type NodeStatus, type Outputs, type Parameter, type Template } from './workflow-types.ts';

/** What a finished step or task offers to those after it. */
export type ScopeSource = {
  /** The step's node; for a fan-out of tasks its TaskGroup. */
  readonly node?: NodeStatus | undefined;
  /** The nodes of a fan-out, in any order. */
  readonly items?: readonly NodeStatus[] | undefined;
  /** The template that made it, for the defaults of outputs that are absent. */
  readonly template?: Template | undefined;
};

/** Variables `steps.<name>.…` or `tasks.<name>.…`, looked up only when asked for. */
export function scopeLayer(
  word: string,
  names: () => Iterable<string>,
  find: (name: string) => ScopeSource | undefined,
): VariableLayer {
  const split = (name: string): [ScopeSource, string] | undefined => {
    if (!name.startsWith(word) || name.charAt(word.length) !== '.') return undefined;
    const dot = name.indexOf('.', word.length + 1);
    if (dot < 0) return undefined;
    const source = find(name.slice(word.length + 1, dot));
    return source && [source, name.slice(dot + 1)];
  };
  return {
    lookUp(name) {
      const found = split(name);
      return found && outcomeOf(found[0], found[1]);
    },
    *entries() {
      for (const name of names()) {
        const source = find(name);
        if (source) for (const [key, value] of outcomesOf(source)) yield [`${word}.${name}.${key}`, value] as const;
      }
    },
    *artifactNames() {
      for (const name of names()) {
        const { node, items, template } = find(name) ?? {};
        if (!node || items) continue;
        const declared = [...(node.outputs?.artifacts ?? []), ...(template?.outputs?.artifacts ?? [])];
        for (const artifact of declared) yield `${word}.${name}.outputs.artifacts.${artifact.name}`;
      }
    },
    artifact(name) {
      const found = split(name);
      if (!found?.[1].startsWith('outputs.artifacts.')) return undefined;
      return artifactOf(found[0], found[1].slice('outputs.artifacts.'.length));
    },
  };
}

function artifactOf({ node, items }: ScopeSource, name: string): Artifact | null | undefined {
  if (!node || items) return undefined;
  const found = node.outputs?.artifacts?.find((artifact) => artifact.name === name);
  if (found) return found;
  return isAbsent(node) ? null : undefined;
}

function isAbsent(node: NodeStatus): boolean {
  return node.phase === 'Skipped' || node.phase === 'Omitted';
}

/** One variable of a step. */
function outcomeOf(source: ScopeSource, key: string): string | null | undefined {
  if (source.items && key.startsWith('outputs.')) return aggregate(source.items).get(key);
  const { node } = source;
  if (!node) return undefined;
  if (key.startsWith('outputs.parameters.')) return parameterOf(source, node, key.slice('outputs.parameters.'.length));
  if (key === 'outputs.result') return node.outputs?.result ?? (isAbsent(node) ? null : undefined);
  return plainOf(node).get(key);
}

function parameterOf(source: ScopeSource, node: NodeStatus, name: string): string | null | undefined {
  const value = node.outputs?.parameters?.find((parameter) => parameter.name === name)?.value;
  if (value !== undefined) return valueText(value);
  if (!isAbsent(node)) return undefined;
  const fallback = source.template?.outputs?.parameters?.find((parameter) => parameter.name === name)?.valueFrom
    ?.default;
  return fallback === undefined ? null : valueText(fallback);
}

function plainOf(node: NodeStatus): ReadonlyMap<string, string> {
  const found = new Map<string, string>([
    ['id', node.id],
    ['status', node.phase ?? ''],
  ]);
  if (node.startedAt) found.set('startedAt', node.startedAt);
  if (node.finishedAt) found.set('finishedAt', node.finishedAt);
  if (node.podIP) found.set('ip', node.podIP);
  if (node.hostNodeName) found.set('hostNodeName', node.hostNodeName);
  if (node.outputs?.exitCode !== undefined) found.set('exitCode', node.outputs.exitCode);
  return found;
}

function* outcomesOf(source: ScopeSource): Iterable<readonly [string, string | null]> {
  const { node, items, template } = source;
  if (node) yield* plainOf(node);
  if (items) {
    yield* aggregate(items);
    return;
  }
  if (!node) return;
  if (node.outputs?.result !== undefined) yield ['outputs.result', node.outputs.result];
  else if (isAbsent(node)) yield ['outputs.result', null];
  for (const parameter of node.outputs?.parameters ?? []) {
    if (parameter.value !== undefined) yield [`outputs.parameters.${parameter.name}`, valueText(parameter.value)];
  }
  if (!isAbsent(node)) return;
  for (const parameter of template?.outputs?.parameters ?? []) {
    yield [`outputs.parameters.${parameter.name}`, parameterOf(source, node, parameter.name) ?? null];
  }
}

/** Lists of what the items of a fan-out produced: only Succeeded ones, in the order of their index. */
function aggregate(items: readonly NodeStatus[]): ReadonlyMap<string, string> {
  const done = items.filter((item) => item.phase === 'Succeeded' && item.outputs && !item.nodeFlag?.hooked);
  const ordered = done.toSorted((a, b) => indexOf(a) - indexOf(b));
  const found = new Map<string, string>();
  const results = ordered.flatMap(({ outputs }) => (outputs?.result === undefined ? [] : [outputs.result]));
  found.set('outputs.result', `[${results.map(resultJson).join(',')}]`);
  const all = ordered.map(({ outputs }) => parametersOf(outputs)).filter((values) => values.length > 0);
  found.set('outputs.parameters', JSON.stringify(all.map((values) => Object.fromEntries(values))));
  const byName = new Map<string, string[]>();
  for (const [name, value] of all.flat()) byName.set(name, [...(byName.get(name) ?? []), value]);
  for (const [name, values] of byName) found.set(`outputs.parameters.${name}`, listJson(values));
  return found;
}

function parametersOf(outputs: Outputs | undefined): [string, string][] {
  return (outputs?.parameters ?? []).flatMap(({ name, value }: Parameter) =>
    value === undefined ? [] : [[name, valueText(value)] as [string, string]],
  );
}

/** The place of an item in its loop, from `name(3:value)`. */
export function indexOf(node: NodeStatus): number {
  return Number(/\((\d+):/.exec(node.displayName)?.[1] ?? 0);
}

/** A result in a list: JSON as it is; plain text as a string. */
function resultJson(result: string): string {
  const parsed = parseOrUndefined(result);
  return parsed === undefined ? JSON.stringify(result) : JSON.stringify(parsed);
}

/** Values of one parameter: nested when every one is a JSON list or object, else a list of strings. */
function listJson(values: readonly string[]): string {
  const parsed = values.map(parseOrUndefined);
  const nested = parsed.every((value) => typeof value === 'object' && value !== null);
  return JSON.stringify(nested ? parsed : values);
}

function parseOrUndefined(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
