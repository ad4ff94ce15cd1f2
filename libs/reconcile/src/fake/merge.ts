import type { JsonPatchOperation } from '../kube-api.ts';
import { KubeApiError } from '../kube-api.ts';

type Tree = { [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7386: null removes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch;
  const result: Tree = isTree(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** RFC 6902 as far as our controllers use it; a failing test is 422 as at the real server. */
export function jsonPatch(target: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const holder = { root: structuredClone(target) };
  for (const operation of operations) applyOperation(holder, operation);
  return holder.root;
}

function applyOperation(holder: { root: unknown }, operation: JsonPatchOperation): void {
  switch (operation.op) {
    case 'test': {
      const found = readPath(holder.root, operation.path);
      if (JSON.stringify(found) !== JSON.stringify(operation.value)) refuse(operation.path, 'test failed');
      return;
    }
    case 'add':
    case 'replace':
    case 'remove':
      return change(holder, operation);
    case 'move': {
      const value = readPath(holder.root, operation.from);
      change(holder, { op: 'remove', path: operation.from });
      return change(holder, { op: 'add', path: operation.path, value });
    }
    case 'copy':
      return change(holder, { op: 'add', path: operation.path, value: readPath(holder.root, operation.from) });
    default:
      return operation satisfies never;
  }
}

function segmentsOf(path: string): string[] {
  if (path === '') return [];
  return path
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function readPath(root: unknown, path: string): unknown {
  let value = root;
  for (const segment of segmentsOf(path)) value = (value as Tree | undefined)?.[segment];
  return value;
}

type Change = Extract<JsonPatchOperation, { op: 'add' | 'replace' | 'remove' | 'test' }>;

function change(holder: { root: unknown }, operation: Change): void {
  const segments = segmentsOf(operation.path);
  const last = segments.pop();
  if (last === undefined) return void (holder.root = operation.op === 'remove' ? null : operation.value);
  const parent = segments.reduce<unknown>((value, segment) => (value as Tree | undefined)?.[segment], holder.root);
  if (typeof parent !== 'object' || parent === null) return refuse(operation.path, 'the parent does not exist');
  if (Array.isArray(parent)) return changeList(parent, last, operation);
  const tree = parent as Tree;
  if (operation.op !== 'add' && !Object.hasOwn(tree, last)) return refuse(operation.path, 'it does not exist');
  if (operation.op === 'remove') delete tree[last];
  else tree[last] = operation.value;
}

function changeList(list: unknown[], last: string, operation: Change): void {
  const index = last === '-' ? list.length : Number(last);
  const limit = operation.op === 'add' ? list.length : list.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > limit) return refuse(operation.path, 'no such index');
  if (operation.op === 'remove') list.splice(index, 1);
  else if (operation.op === 'add') list.splice(index, 0, operation.value);
  else list[index] = operation.value;
}

function refuse(path: string, why: string): never {
  throw new KubeApiError(422, 'Invalid', `json patch: ${path}: ${why}`);
}
