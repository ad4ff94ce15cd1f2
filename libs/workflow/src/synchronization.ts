import type { JsonObject } from '@sluice/model';
import type { Acquired, LockDraft, LockHolder, LockKey, LockTable, WantedLock } from './locks.ts';
import { globalLayer } from './global-layer.ts';
import { countActive, type Fault, initializeNode, lookAgainAt, parseTime, type Pass } from './pass.ts';
import type { RunContext } from './run-context.ts';
import { retriesOf } from './retry.ts';
import { joinLayers, substitute } from './variables.ts';
import { isFulfilled, type NodeStatus, type Workflow } from './workflow-types.ts';

/** A key of a ConfigMap that says how many may hold a semaphore. */
export type SemaphoreReference = { readonly namespace: string; readonly name: string; readonly key: string };

/** How many may hold a semaphore, or why that is not known. */
export type SemaphoreLimit =
  { readonly ok: true; readonly limit: number } | { readonly ok: false; readonly message: string };

/** The locks of a pass. */
export type PassLocks = {
  readonly draft: LockDraft;
  readonly limitOf: (reference: SemaphoreReference) => SemaphoreLimit | undefined;
  /** Limits that were asked for and not known. */
  readonly unknown: Map<LockKey, SemaphoreReference>;
};

type Lock = { readonly key: LockKey; readonly semaphore?: SemaphoreReference };
type Parsed = { readonly ok: true; readonly locks: readonly Lock[] } | { readonly ok: false; readonly message: string };

/** How often a limit that somebody may have raised is read again. */
const limitCheckMs = 30_000;
const notHeldYet = 'waiting to read the limit of the semaphore';

/** The locks that a `synchronization` asks for, once each. */
function locksOf(synchronization: unknown, namespace: string): Parsed {
  if (!isObject(synchronization)) return { ok: false, message: 'synchronization must be an object' };
  const locks = new Map<LockKey, Lock>();
  for (const item of listOf(synchronization, 'mutexes', 'mutex')) {
    const { name } = item;
    if (item['database'] === true) return { ok: false, message: 'locks in a database are not supported' };
    if (typeof name !== 'string' || name === '') return { ok: false, message: 'a mutex needs a name' };
    const key = `${textOf(item['namespace'], namespace)}/Mutex/${name}`;
    locks.set(key, { key });
  }
  for (const item of listOf(synchronization, 'semaphores', 'semaphore')) {
    if (item['database'] !== undefined) return { ok: false, message: 'locks in a database are not supported' };
    const { configMapKeyRef } = item;
    const [name, key] = isObject(configMapKeyRef) ? [configMapKeyRef['name'], configMapKeyRef['key']] : [];
    if (typeof name !== 'string' || typeof key !== 'string')
      return { ok: false, message: 'a semaphore needs configMapKeyRef.name and configMapKeyRef.key' };
    const where = textOf(item['namespace'], namespace);
    const lockKey = `${where}/ConfigMap/${name}/${key}`;
    locks.set(lockKey, { key: lockKey, semaphore: { namespace: where, name, key } });
  }
  return { ok: true, locks: [...locks.values()] };
}

function listOf(synchronization: JsonObject, plural: string, singular: string): readonly JsonObject[] {
  const many: unknown = synchronization[plural];
  const one = synchronization[singular];
  return [...(Array.isArray(many) ? many.filter(isObject) : []), ...(isObject(one) ? [one] : [])];
}

function textOf(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Why locks were not taken: `wait` until others let go, or a problem that waiting does not mend. */
type Refusal = { readonly kind: 'wait' | 'problem'; readonly key: LockKey; readonly message: string };

function take(pass: Pass, holder: LockHolder, locks: readonly Lock[]): Refusal | undefined {
  const { draft, limitOf, unknown } = pass.locks;
  if (
    draft.holds(
      holder,
      locks.map(({ key }) => key),
    )
  )
    return undefined;
  const wanted: WantedLock[] = [];
  for (const { key, semaphore } of locks) {
    const limit: SemaphoreLimit | undefined = semaphore ? limitOf(semaphore) : { ok: true, limit: 1 };
    if (limit === undefined && semaphore) {
      unknown.set(key, semaphore);
      return { kind: 'wait', key, message: notHeldYet };
    }
    if (limit?.ok === false) return { kind: 'problem', key, message: limit.message };
    wanted.push({ key, limit: limit?.limit ?? 0 });
  }
  const taken: Acquired = draft.acquire(holder, wanted, rankOf(pass.workflow, pass));
  if (!taken.ok && locks.some(({ semaphore }) => semaphore)) lookAgainAt(pass, pass.now + limitCheckMs);
  return taken.ok ? undefined : { kind: 'wait', key: taken.key, message: taken.message };
}

function rankOf({ metadata }: Workflow, { spec }: Pick<Pass, 'spec'>): { priority: number; createdAt: number } {
  const priority = Number(spec['priority'] ?? 0);
  return { priority: Number.isFinite(priority) ? priority : 0, createdAt: parseTime(metadata.creationTimestamp) ?? 0 };
}

function holderOf({ metadata }: Workflow, nodeId?: string): LockHolder {
  const workflow = `${metadata.namespace ?? ''}/${metadata.name}`;
  return nodeId === undefined ? workflow : `${workflow}/${nodeId}`;
}

/** Take the locks of the workflow as a whole. */
export function takeWorkflowLocks(pass: Pass): Refusal | undefined {
  const asked = pass.spec['synchronization'];
  if (asked === undefined || asked === null) return undefined;
  const filled = substitute({ asked }, joinLayers(globalLayer(pass)), { keepUnresolved: false });
  if (!filled.ok) return { kind: 'problem', key: '', message: filled.message };
  const parsed = locksOf(filled.value.asked, pass.workflow.metadata.namespace ?? '');
  if (!parsed.ok) return { kind: 'problem', key: '', message: parsed.message };
  return take(pass, holderOf(pass.workflow), parsed.locks);
}

/** What came of the locks of a node: held (or none are asked for), a node that waits, or a problem. */
export type NodeLocks =
  | { readonly kind: 'held'; readonly entered: boolean }
  | { readonly kind: 'waiting'; readonly node: NodeStatus; readonly fault: Fault }
  | { readonly kind: 'problem'; readonly message: string };

/** Take the locks of a template before it starts. A node that must wait is there as Pending and says for what. */
export function takeNodeLocks(run: RunContext, present: NodeStatus | undefined): NodeLocks {
  const { pass, prepared, request } = run;
  const asked = prepared.template.synchronization;
  if (asked === undefined || asked === null) return { kind: 'held', entered: false };
  const parsed = locksOf(asked, pass.workflow.metadata.namespace ?? '');
  if (!parsed.ok) return { kind: 'problem', message: parsed.message };
  const refusal = take(pass, holderOf(pass.workflow, pass.nodes.idOf(request.nodeName)), parsed.locks);
  if (refusal?.kind === 'problem')
    return { kind: 'problem', message: `Failed to acquire the synchronization lock. ${refusal.message}` };
  if (!refusal) {
    if (!present?.synchronizationStatus) return { kind: 'held', entered: false };
    pass.nodes.update(present.id, {
      synchronizationStatus: undefined,
      message: '',
      ...(present.type === 'Pod' ? {} : { phase: 'Running' }),
    });
    countActive(pass, pass.nodes.byId(present.id) ?? present, 1);
    return { kind: 'held', entered: true };
  }
  const node = present ?? waitingNode(run);
  const { message, key } = refusal;
  if (message !== notHeldYet)
    pass.nodes.update(node.id, {
      message,
      ...(node.synchronizationStatus?.['waiting'] === key ? {} : { synchronizationStatus: { waiting: key } }),
    });
  return { kind: 'waiting', node: pass.nodes.byId(node.id) ?? node, fault: { kind: 'held', message } };
}

function waitingNode(run: RunContext): NodeStatus {
  const { pass, prepared, request } = run;
  return initializeNode(pass, {
    name: request.nodeName,
    type: retriesOf(pass, prepared.template) ? 'Retry' : run.type,
    phase: 'Pending',
    boundaryId: request.boundaryId,
    scope: request.context.scope,
    call: request.call,
    ...(request.hooked ? { hooked: true } : {}),
    fields: { ...(prepared.inputs ? { inputs: prepared.inputs } : {}), synchronizationStatus: { waiting: '' } },
  });
}

/** Let go of the locks of nodes that have ended. */
export function releaseEndedNodes(pass: Pass): void {
  const own = holderOf(pass.workflow);
  pass.locks.draft.releaseWhere(
    (holder) => holder !== own && isFulfilled(pass.nodes.byId(holder.slice(own.length + 1))),
  );
}

/** The locks as the status shows them; undefined when the workflow has and wants none. */
export function synchronizationStatus(pass: Pass): JsonObject | undefined {
  const { draft } = pass.locks;
  const keys = draft.ownKeys();
  if (keys.length === 0) return undefined;
  const shown = { mutex: { holding: [], waiting: [] }, semaphore: { holding: [], waiting: [] } } as Record<
    'mutex' | 'semaphore',
    Record<'holding' | 'waiting', JsonObject[]>
  >;
  for (const key of keys) {
    const kind = key.split('/')[1] === 'Mutex' ? 'mutex' : 'semaphore';
    const { holding, waiting } = draft.shareOf(key);
    const all = draft.stateOf(key).holders;
    if (kind === 'mutex') {
      for (const holder of holding) shown.mutex.holding.push({ mutex: key, holder });
      if (waiting) shown.mutex.waiting.push({ mutex: key, holder: all[0] ?? '' });
    } else {
      if (holding.length > 0) shown.semaphore.holding.push({ semaphore: key, holders: holding });
      if (waiting) shown.semaphore.waiting.push({ semaphore: key, holders: all });
    }
  }
  return Object.fromEntries(
    Object.entries(shown).flatMap(([kind, lists]) => {
      const filled = Object.entries(lists).filter(([, list]) => list.length > 0);
      return filled.length === 0 ? [] : [[kind, Object.fromEntries(filled)]];
    }),
  );
}

/** Rebuild the locks from what the workflows' status says, as after a restart. */
export function restoreLocks(table: LockTable, workflows: Iterable<Workflow>): void {
  for (const { status } of workflows) {
    const { mutex, semaphore } = (status?.synchronization ?? {}) as Record<string, { holding?: unknown } | undefined>;
    for (const item of [mutex?.holding, semaphore?.holding].flatMap((list) =>
      Array.isArray(list) ? (list as readonly unknown[]).filter(isObject) : [],
    )) {
      const key = textOf(item['mutex'] ?? item['semaphore'], '');
      const holders: unknown = item['holders'] ?? [item['holder']];
      for (const holder of Array.isArray(holders) ? (holders as readonly unknown[]) : [])
        if (key !== '' && typeof holder === 'string' && holder !== '') table.restoreHolder(key, holder);
    }
  }
}
