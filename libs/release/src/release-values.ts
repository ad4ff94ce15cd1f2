import type { Json, JsonObject } from '@sluice/model';

/** Values from one source, parsed: a whole tree, or one text for a place in the tree. */
export type ValuesPart =
  | { readonly kind: 'tree'; readonly values: JsonObject }
  | { readonly kind: 'place'; readonly path: string; readonly text: string; readonly literal: boolean };

/** Values cannot be composed. `message` says which path and why. */
export class ValuesError extends Error {
  override readonly name = 'ValuesError';
}

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const maxIndex = 65_536;

/** Merge in order: trees first as they come, then the inline values over them, then texts at their places. */
export function composeValues(parts: readonly ValuesPart[], inline: JsonObject): JsonObject {
  let values: JsonObject = {};
  for (const part of parts) if (part.kind === 'tree') values = mergeValues(values, part.values);
  values = mergeValues(values, inline);
  for (const part of parts) {
    if (part.kind !== 'place') continue;
    const path = parsePath(part.path);
    values = setAt(values, path, part.literal ? part.text : parseScalar(part.text, part.path)) as JsonObject;
  }
  return values;
}

/** Maps are merged key by key, anything else is replaced. */
export function mergeValues(base: JsonObject, over: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (forbidden.has(key)) throw new ValuesError(`the key "${key}" is not allowed in values`);
    const before = Object.hasOwn(merged, key) ? merged[key] : undefined;
    merged[key] = isMapping(before) && isMapping(value) ? mergeValues(before, value) : value;
  }
  return merged;
}

function isMapping(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `a.b[2].c\.d` → keys and indexes. */
function parsePath(text: string): readonly (string | number)[] {
  const path: (string | number)[] = [];
  for (const part of text.match(/(?:\\.|[^.\\])+/g) ?? []) {
    const indexed = /^(.*?)((?:\[\d+\])*)$/s.exec(part);
    const key = (indexed?.[1] ?? '').replace(/\\(.)/gs, '$1');
    if (key) path.push(key);
    for (const [, index] of (indexed?.[2] ?? '').matchAll(/\[(\d+)\]/g)) path.push(Number(index));
  }
  const bad = path.length === 0 || typeof path[0] === 'number' || path.some((step) => forbidden.has(String(step)));
  if (bad || path.some((step) => typeof step === 'number' && step > maxIndex)) {
    throw new ValuesError(`targetPath "${text}" is not a path such as a.b[0].c`);
  }
  return path;
}

function setAt(value: Json | undefined, path: readonly (string | number)[], leaf: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return leaf;
  if (typeof step === 'number') {
    const list: Json[] = Array.isArray(value) ? [...(value as readonly Json[])] : [];
    while (list.length <= step) list.push(null);
    list[step] = setAt(list[step], rest, leaf);
    return list;
  }
  const object = isMapping(value) ? value : {};
  return { ...object, [step]: setAt(Object.hasOwn(object, step) ? object[step] : undefined, rest, leaf) };
}

/** A text as `--set` reads it: true, false, null and whole numbers are typed, quotes force a text, `{a,b}` is a list. */
function parseScalar(text: string, path: string): Json {
  const trimmed = text.replace(/\r?\n$/, '');
  const quoted = /^(['"])(.*)\1$/s.exec(trimmed);
  if (quoted) return quoted[2] ?? '';
  if (/^\{.*\}$/s.test(trimmed)) return splitCommas(trimmed.slice(1, -1)).map((item) => parseWord(item));
  if (trimmed.includes('\n')) return trimmed;
  if (splitCommas(trimmed).length > 1) {
    throw new ValuesError(
      `the value for targetPath "${path}" has a comma, which separates values here; set literal: true to take it as it is`,
    );
  }
  return parseWord(trimmed);
}

function splitCommas(text: string): readonly string[] {
  return text.match(/(?:\\.|[^,\\])+/gs) ?? [];
}

function parseWord(text: string): Json {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (text === 'null') return null;
  if (/^(?:0|-?[1-9]\d{0,14})$/.test(text)) return Number(text);
  return text.replace(/\\(.)/gs, '$1');
}
