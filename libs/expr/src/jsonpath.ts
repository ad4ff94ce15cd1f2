import { evaluateFilter, isTrue } from './jsonpath-filter.ts';
import { formatValue, isList, isMap, type Value } from './value.ts';

/** Evaluate a JSONPath (`$.a[0].b`, `[*]`, `..name`, `[1:3]`, `['x','y']`). Throws Error for a path that is none. */
export function queryJsonPath(root: Value, path: string): Value {
  const segments = parsePath(path, root);
  let nodes: Value[] = [root];
  let many = false;
  for (const { select, plural } of segments) {
    nodes = selectAll(nodes, select);
    many ||= plural;
  }
  if (many) return nodes;
  const [only] = nodes;
  if (only === undefined) throw new Error(`key: invalid JSONPath selector '${path}' key not found`);
  return only;
}

const maxNodes = 1_000_000;

function selectAll(nodes: readonly Value[], select: (value: Value) => Value[]): Value[] {
  const found: Value[] = [];
  for (const node of nodes) {
    for (const value of select(node)) found.push(value);
    if (found.length > maxNodes) throw new Error('the JSONPath selects too many values');
  }
  return found;
}

type Segment = { readonly select: (value: Value) => Value[]; readonly plural: boolean };

function parsePath(path: string, root: Value): Segment[] {
  let rest = path.trim();
  if (!rest.startsWith('$') && !rest.startsWith('@'))
    throw new Error(`invalid JSONPath query '${path}' unexpected token`);
  rest = rest.slice(1);
  const segments: Segment[] = [];
  while (rest) {
    const [segment, length] = parseSegment(rest, path, root);
    segments.push(segment);
    rest = rest.slice(length);
  }
  return segments;
}

function parseSegment(rest: string, path: string, root: Value): [Segment, number] {
  const recursive = /^\.\.(?:(\*)|([^.[\]\s]+))?/.exec(rest);
  if (recursive) {
    const [whole, all, name] = recursive;
    const pick = name ? child(name) : all ? children : undefined;
    const select = (value: Value): Value[] => descendants(value).flatMap((item) => (pick ? pick(item) : [item]));
    return [{ select, plural: true }, whole.length];
  }
  const named = /^\.(?:(\*)|([^.[\]\s]+))/.exec(rest);
  if (named) {
    const [whole, all, name = ''] = named;
    return [all ? { select: children, plural: true } : { select: child(name), plural: false }, whole.length];
  }
  const end = bracketEnd(rest);
  if (end < 0) throw new Error(`invalid JSONPath query '${path}' unexpected token`);
  return [parseBracket(rest.slice(1, end).trim(), path, root), end + 1];
}

/** Where the bracket at the start closes; -1 where it does not. Brackets in quotes do not count. */
function bracketEnd(text: string): number {
  if (!text.startsWith('[')) return -1;
  let depth = 0;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote !== '') {
      if (char === '\\') at++;
      else if (char === quote) quote = '';
    } else if (char === "'" || char === '"') quote = char;
    else if (char === '[') depth++;
    else if (char === ']' && --depth === 0) return at;
  }
  return -1;
}

/** What a path inside a filter stands for, from the item (`@`) or the whole (`$`). */
function resolveIn(item: Value, root: Value) {
  return (path: string): Value | undefined => {
    let nodes: Value[] = [path.startsWith('$') ? root : item];
    for (const { select } of parsePath(path, root)) nodes = nodes.flatMap((node) => select(node));
    return nodes[0];
  };
}

function filtered(source: string, root: Value): Segment {
  const keeps = (value: Value): boolean => isTrue(evaluateFilter(source, resolveIn(value, root)));
  return { select: (value) => children(value).filter(keeps), plural: true };
}

function computed(source: string, root: Value): Segment {
  const select = (value: Value): Value[] => {
    const key = evaluateFilter(source, resolveIn(value, root));
    if (typeof key === 'string') return child(key)(value);
    return typeof key === 'number' || typeof key === 'bigint' ? item(Number(key))(value) : [];
  };
  return { select, plural: false };
}

function parseBracket(inner: string, path: string, root: Value): Segment {
  if (inner.startsWith('?(') && inner.endsWith(')')) return filtered(inner.slice(2, -1), root);
  if (inner.startsWith('(') && inner.endsWith(')')) return computed(inner.slice(1, -1), root);
  if (inner === '*') return { select: children, plural: true };
  const range = /^(-?\d*)\s*:\s*(-?\d*)(?:\s*:\s*(-?\d*))?$/.exec(inner);
  if (range) return { select: (value) => sliceOf(value, range), plural: true };
  const parts = inner.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+/g) ?? [];
  if (parts.length === 0) throw new Error(`invalid JSONPath query '${path}' unsupported selector [${inner}]`);
  const selects = parts.map((part) => (/^-?\d+$/.test(part) ? item(Number(part)) : child(unquote(part))));
  return { select: (value) => selects.flatMap((select) => select(value)), plural: parts.length > 1 };
}

function unquote(part: string): string {
  return part.slice(1, -1).replace(/\\(.)/g, '$1');
}

function child(name: string) {
  return (value: Value): Value[] => {
    if (isMap(value) && value.has(name)) return [value.get(name) ?? null];
    if (name === 'length' && (isList(value) || typeof value === 'string')) return [BigInt(value.length)];
    return [];
  };
}

function item(index: number) {
  return (value: Value): Value[] => {
    const found = isList(value) ? value.at(index) : undefined;
    return found === undefined ? [] : [found];
  };
}

function children(value: Value): Value[] {
  if (isList(value)) return [...value];
  return isMap(value)
    ? [...value.entries()].sort(([a], [b]) => (formatValue(a) < formatValue(b) ? -1 : 1)).map(([, found]) => found)
    : [];
}

/** A value and all below it, each before what it holds. */
function descendants(value: Value): Value[] {
  const found: Value[] = [];
  const open: Value[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    found.push(next);
    if (found.length + open.length > maxNodes) throw new Error('the JSONPath selects too many values');
    for (const child of children(next).toReversed()) open.push(child);
  }
  return found;
}

function sliceOf(value: Value, [, from, to, by]: RegExpExecArray): Value[] {
  if (!isList(value)) return [];
  const step = by ? Number(by) : 1;
  if (step < 1) return [];
  const part = value.slice(from ? Number(from) : 0, to ? Number(to) : value.length);
  return part.filter((_, index) => index % step === 0);
}
