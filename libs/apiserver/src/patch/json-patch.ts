import type { Json } from '@sluice/model';
import { copyOf, getOwn, isList, isObject, type MutableObject, sameJson, setOwn } from './json-value.ts';
import { PatchError } from './patch-error.ts';

/** Kubernetes refuses longer patches. */
const maxOperations = 10_000;
/** Bytes of JSON that `copy` may add in one patch. */
const maxCopied = 3 * 1024 * 1024;

type Operation = { readonly op: string; readonly path: string; readonly from?: string; readonly value?: Json };

/** What holds the value at the end of a path. */
type Place = { readonly holder: MutableObject | Json[]; readonly key: string };

/** RFC 6902, `patch` as parsed from the body. Throws PatchError (400 when it is no JSON patch, 422 when it does not fit). */
export function jsonPatch(original: Json, patch: Json): Json {
  const operations = readOperations(patch);
  const root: MutableObject = { document: copyOf(original) };
  let copied = 0;
  for (const operation of operations) {
    if (operation.op === 'copy') {
      copied += JSON.stringify(valueAtPath(root, operation.from ?? '') ?? null).length;
      if (copied > maxCopied) throw new PatchError(413, `the patch copies more than ${maxCopied} bytes`);
    }
    perform(root, operation);
  }
  return root['document'] ?? null;
}

function readOperations(patch: Json): readonly Operation[] {
  if (patch === null) return [];
  if (!isList(patch)) throw new PatchError(400, 'a JSON patch must be a list of operations');
  if (patch.length > maxOperations) {
    throw new PatchError(
      413,
      `the allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  }
  return patch.map((item, index) => {
    const fail = (what: string) => new PatchError(400, `operation ${index} of the JSON patch ${what}`);
    if (!isObject(item)) throw fail('is no object');
    const [op, path, from, value] = ['op', 'path', 'from', 'value'].map((key) => getOwn(item, key));
    if (typeof op !== 'string') throw fail('has no "op"');
    if (typeof path !== 'string') throw fail('has no "path"');
    const needsFrom = op === 'move' || op === 'copy';
    if (needsFrom && typeof from !== 'string') throw fail('has no "from"');
    return {
      op,
      path,
      ...(typeof from === 'string' ? { from } : {}),
      ...(value === undefined ? {} : { value }),
    };
  });
}

function perform(root: MutableObject, operation: Operation): void {
  const { op, path, from = '', value = null } = operation;
  switch (op) {
    case 'add':
      if (path === '') throw new PatchError(422, 'add operation does not apply: doc is missing path: ""');
      add(placeOf(root, path), value, path);
      return;
    case 'remove':
      remove(placeOf(root, path), path);
      return;
    case 'replace':
      replace(placeOf(root, path), value, path);
      return;
    case 'move': {
      const moved = existing(root, from, 'move');
      remove(placeOf(root, from), from);
      add(placeOf(root, path), moved, path);
      return;
    }
    case 'copy':
      add(placeOf(root, path), copyOf(existing(root, from, 'copy')), path);
      return;
    case 'test': {
      if (!sameJson(valueAtPath(root, path) ?? null, value)) throw new PatchError(422, `testing path ${path} failed`);
      return;
    }
    default:
      throw new PatchError(400, `unexpected kind of JSON patch operation: ${op}`);
  }
}

/** Steps from the root: the document hangs under one key so that it can be replaced like any value. */
function stepsOf(path: string): readonly string[] {
  if (path === '') return ['document'];
  if (!path.startsWith('/')) throw new PatchError(422, `the path ${path} does not begin with a slash`);
  const steps = path.slice(1).split('/');
  return ['document', ...steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))];
}

function placeOf(root: MutableObject, path: string): Place {
  const steps = stepsOf(path);
  let holder: Json = root;
  for (const step of steps.slice(0, -1)) holder = child(holder, step) ?? null;
  if (isObject(holder)) return { holder, key: steps.at(-1) ?? '' };
  if (Array.isArray(holder)) return { holder: holder as Json[], key: steps.at(-1) ?? '' };
  throw new PatchError(422, `the path ${path} goes through a value that is missing or no object or list`);
}

function child(holder: Json, step: string): Json | undefined {
  if (isObject(holder)) return getOwn(holder, step);
  if (!isList(holder)) return undefined;
  const at = indexIn(step, holder.length);
  return at === undefined ? undefined : holder[at];
}

/** An index below `length`; negative ones count from the end, as in Kubernetes. */
function indexIn(step: string, length: number): number | undefined {
  if (!/^[+-]?\d+$/u.test(step)) return undefined;
  const index = Number(step);
  const at = index < 0 ? index + length : index;
  return at >= 0 && at < length ? at : undefined;
}

function valueAtPath(root: MutableObject, path: string): Json | undefined {
  let value: Json | undefined = root;
  for (const step of stepsOf(path)) {
    if (value === undefined) break;
    value = child(value, step);
  }
  return value;
}

/** To `copy`, a missing key of an object counts as null, as in Kubernetes. */
function existing(root: MutableObject, path: string, op: string): Json {
  const value = valueAtPath(root, path);
  if (value === undefined && op === 'copy' && !Array.isArray(placeOf(root, path).holder)) return null;
  if (value === undefined) throw new PatchError(422, `${op} operation does not apply: there is no value at ${path}`);
  return value;
}

function add({ holder, key }: Place, value: Json, path: string): void {
  if (!Array.isArray(holder)) {
    setOwn(holder, key, value);
    return;
  }
  const at = key === '-' ? holder.length : indexIn(key, holder.length + 1);
  if (at === undefined) throw new PatchError(422, `add operation does not apply: ${path} is no index of the list`);
  holder.splice(at, 0, value);
}

function remove({ holder, key }: Place, path: string): void {
  if (Array.isArray(holder)) {
    const at = indexIn(key, holder.length);
    if (at === undefined) throw new PatchError(422, `remove operation does not apply: there is no item at ${path}`);
    holder.splice(at, 1);
    return;
  }
  if (!Object.hasOwn(holder, key))
    throw new PatchError(422, `remove operation does not apply: there is no value at ${path}`);
  delete holder[key];
}

function replace({ holder, key }: Place, value: Json, path: string): void {
  if (Array.isArray(holder)) {
    const at = indexIn(key, holder.length);
    if (at === undefined) throw new PatchError(422, `replace operation does not apply: there is no item at ${path}`);
    holder[at] = value;
    return;
  }
  setOwn(holder, key, value);
}
