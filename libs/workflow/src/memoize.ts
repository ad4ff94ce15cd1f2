import { parseDurationMs } from '@sluice/expr';
import type { JsonObject } from '@sluice/model';
import type { Action } from './action.ts';
import { formatTime, initializeNode, markPhase, parseTime, type Pass } from './pass.ts';
import { exportGlobals } from './outputs.ts';
import type { RunContext } from './run-context.ts';
import type { NodeStatus, Outputs, Template } from './workflow-types.ts';

type Memo = { readonly key: string; readonly cacheName: string; readonly maxAgeMs: number | undefined };
type Entry = { readonly outputs: Outputs | undefined; readonly createdAt: number };
const keyPattern = /^[a-zA-Z0-9][-._a-zA-Z0-9]{0,252}$/;

/** What a memoized call comes to without running: a node from the cache, a problem, or nothing: then it must run. */
export type Recalled = { readonly node?: NodeStatus; readonly problem?: string };

/** Look a memoized template up before its node is made. */
export function recall(run: RunContext): Recalled {
  const { pass, request, prepared } = run;
  const memo = memoOf(prepared.template);
  if (!memo) return {};
  if (typeof memo === 'string') return { problem: memo };
  const entry = savedNow(pass, memo) ?? readCache(pass, memo);
  if (typeof entry === 'string') return { problem: entry };
  if (!entry || (memo.maxAgeMs !== undefined && pass.now - entry.createdAt > memo.maxAgeMs)) return {};
  const fields: Partial<NodeStatus> = {
    ...(prepared.inputs ? { inputs: prepared.inputs } : {}),
    ...(entry.outputs ? { outputs: entry.outputs } : {}),
    ...(run.type === 'Pod' ? { progress: '1/1' } : {}),
    memoizationStatus: { hit: true, key: memo.key, cacheName: memo.cacheName },
  };
  exportGlobals(pass, entry.outputs);
  const present = pass.nodes.byName(request.nodeName);
  if (present) {
    // It has waited for a lock, and somebody has done its work meanwhile.
    pass.nodes.update(present.id, fields);
    return { node: markPhase(pass, present.name, 'Succeeded') ?? present };
  }
  const node = initializeNode(pass, {
    name: request.nodeName,
    type: run.type,
    phase: 'Succeeded',
    boundaryId: request.boundaryId,
    scope: request.context.scope,
    call: request.call,
    ...(request.hooked ? { hooked: true } : {}),
    fields,
  });
  return { node };
}

/** Note on a node that its outcome is to be kept. */
export function markMemoized({ pass, request, prepared }: RunContext): void {
  const memo = memoOf(prepared.template);
  const node = pass.nodes.byName(request.nodeName);
  if (!memo || typeof memo === 'string' || !node || node.memoizationStatus) return;
  pass.nodes.update(node.id, { memoizationStatus: { hit: false, key: memo.key, cacheName: memo.cacheName } });
}

/** The outcomes of this pass that go into caches. */
export function cacheSaves(pass: Pass): readonly Action[] {
  const saves: Action[] = [];
  for (const node of pass.nodes.changed.values()) {
    const memo = node.memoizationStatus;
    if (memo?.['hit'] !== false || node.phase !== 'Succeeded' || pass.nodes.stored(node.id)?.phase === 'Succeeded')
      continue;
    const entry = {
      nodeID: node.id,
      outputs: node.outputs ?? null,
      creationTimestamp: formatTime(pass.now),
      lastHitTimestamp: formatTime(pass.now),
    };
    saves.push({
      kind: 'SaveCache',
      cacheName: textOf(memo['cacheName']),
      key: textOf(memo['key']),
      entry: JSON.stringify(entry),
    });
  }
  return saves;
}

function memoOf({ memoize }: Template): Memo | string | undefined {
  if (!memoize) return undefined;
  const { key, maxAge, cache } = memoize;
  const configMap = isObject(cache) ? cache['configMap'] : undefined;
  const cacheName = isObject(configMap) ? configMap['name'] : undefined;
  if (typeof key !== 'string' || typeof cacheName !== 'string') return 'memoize needs a key and cache.configMap.name';
  if (!keyPattern.test(key))
    return `memoize.key: '${key.slice(0, 100)}' is not a key of a ConfigMap: letters, digits, '-', '_' and '.'`;
  const maxAgeMs = typeof maxAge === 'string' && maxAge !== '' ? parseDurationMs(maxAge) : undefined;
  if (typeof maxAge === 'string' && maxAge !== '' && maxAgeMs === undefined)
    return `memoize.maxAge: '${maxAge}' is not a duration such as 10s or 24h`;
  return { key, cacheName, maxAgeMs };
}

/** A node that succeeded in this very pass under the same key: its entry is not in the cache yet. */
function savedNow(pass: Pass, { key, cacheName }: Memo): Entry | undefined {
  for (const node of pass.nodes.changed.values()) {
    const memo = node.memoizationStatus;
    if (node.phase === 'Succeeded' && memo?.['key'] === key && memo['cacheName'] === cacheName)
      return { outputs: node.outputs, createdAt: pass.now };
  }
  return undefined;
}

function readCache(pass: Pass, { key, cacheName }: Memo): Entry | string | undefined {
  const found = pass.lookup.configMap(cacheName);
  if (!found) return undefined;
  if (found.type !== 'Cache')
    return `configmap ${cacheName} is missing the label workflows.argoproj.io/configmap-type: Cache`;
  const text = found.data[key];
  if (text === undefined) return undefined;
  try {
    const entry: { readonly outputs?: Outputs | null; readonly creationTimestamp?: string } = JSON.parse(text);
    return { outputs: entry.outputs ?? undefined, createdAt: parseTime(entry.creationTimestamp) ?? 0 };
  } catch {
    // A damaged entry is as good as none: it will be written anew.
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
