import { type Condition, type KubeObject, type Resource, setCondition } from '@sluice/model';
import type { KubeApi } from './kube-api.ts';

type WithConditions = { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number };

/**
 * Write `/status` by server-side apply when it differs from what is stored; returns whether it wrote. Everything that this
 * field manager wrote before and is not in `status` goes away, so `status` is always the whole.
 */
export async function applyStatus(
  kube: KubeApi,
  resource: Resource,
  object: KubeObject,
  status: object,
  options: { readonly fieldManager: string; readonly signal?: AbortSignal },
): Promise<boolean> {
  if (sameJson(object.status ?? {}, status)) return false;
  const { name, namespace, uid } = object.metadata;
  const metadata = { name, ...(namespace && { namespace }), ...(uid && { uid }) };
  const { apiVersion, kind } = object;
  await kube.apply(resource, { apiVersion, kind, metadata, status }, { ...options, subresource: 'status' });
  return true;
}

/** The status with one condition and `observedGeneration` set; transition times stay while the status stays. */
export function withCondition<S extends object>(
  object: KubeObject,
  status: S,
  change: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>,
  nowMs: number,
): S & WithConditions {
  const before = (object.status as WithConditions | undefined)?.conditions;
  const set = (status as WithConditions).conditions ?? before;
  const { generation } = object.metadata;
  const time = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return { ...status, ...observed, conditions: setCondition(set, { ...change, ...observed }, time) };
}

/** True when two values are the same JSON, whatever the order of their fields; undefined counts as not there. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, at) => sameJson(item, b[at]));
  }
  const left = Object.entries(a).filter(([, value]) => value !== undefined);
  const right = new Map(Object.entries(b).filter(([, value]) => value !== undefined));
  return (
    left.length === right.size && left.every(([name, value]) => right.has(name) && sameJson(value, right.get(name)))
  );
}
