import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { LockTable } from './locks.ts';
import { restoreLocks, type SemaphoreLimit } from './synchronization.ts';
import { emptyLookup, makeTemplate, makeWorkflow } from './testing.ts';
import type { Workflow } from './workflow-types.ts';

const mutexes = { mutexes: [{ name: 'm' }] };
const semaphores = { semaphores: [{ configMapKeyRef: { name: 'limits', key: 'db' } }] };

function named(name: string, synchronization: object): Workflow {
  const spec = { entrypoint: 'main', templates: [makeTemplate('main', { synchronization })] };
  return makeWorkflow(spec, { metadata: { name, namespace: 'test', uid: `uid-${name}` } });
}

function pass(workflow: Workflow, locks: LockTable, semaphoreLimit?: () => SemaphoreLimit | undefined) {
  const decision = decide({
    workflow,
    lookup: emptyLookup,
    pods: new Map(),
    now: 1_700_000_000_000,
    locks,
    ...(semaphoreLimit ? { semaphoreLimit } : {}),
  });
  if (decision.locks) locks.commit(decision.locks);
  return decision;
}

const creates = (decision: ReturnType<typeof pass>): number =>
  decision.actions.filter(({ kind }) => kind === 'CreatePod').length;

test('deciding twice without committing decides the same and takes nothing', () => {
  const locks = new LockTable();
  const input = { workflow: named('a', mutexes), lookup: emptyLookup, pods: new Map(), now: 1_700_000_000_000, locks };
  expect(decide(input)).toEqual(decide(input));
  expect(locks.stateOf('test/Mutex/m').holders).toEqual([]);
});

test('after a restart the stored status says who holds a lock, so that nobody else gets it', () => {
  const first = new LockTable();
  const holder = named('a', mutexes);
  const held = pass(holder, first);
  expect(creates(held)).toBe(1);
  const second = new LockTable();
  restoreLocks(second, [{ ...holder, status: JSON.parse(JSON.stringify(held.status)) }]);
  expect(creates(pass(named('b', mutexes), second))).toBe(0);
});

test('a limit that is not known is asked for, and nothing is queued meanwhile', () => {
  const locks = new LockTable();
  const asked = pass(named('a', semaphores), locks);
  expect(asked.unknownLimits).toEqual([{ namespace: 'test', name: 'limits', key: 'db' }]);
  expect(creates(asked)).toBe(0);
  expect(locks.keysOf('test/a')).toEqual([]);
  expect(creates(pass(named('a', semaphores), locks, () => ({ ok: true, limit: 1 })))).toBe(1);
});

test('a limit that cannot be read ends the node with the reason', () => {
  const ended = pass(named('a', semaphores), new LockTable(), () => ({ ok: false, message: 'no such ConfigMap' }));
  expect(ended.status).toMatchObject({ phase: 'Error', message: expect.stringContaining('no such ConfigMap') });
});

test('who waits for a semaphore looks again, as its limit may be raised', () => {
  const locks = new LockTable();
  const waiting = pass(named('a', semaphores), locks, () => ({ ok: true, limit: 0 }));
  expect(waiting.nextLookAt).toBe(1_700_000_000_000 + 30_000);
});

test('locks in a database are refused by name', () => {
  const ended = pass(named('a', { mutexes: [{ name: 'm', database: true }] }), new LockTable());
  expect(ended.status.message).toContain('locks in a database are not supported');
});

test('the legacy singular mutex is a mutex', () => {
  const locks = new LockTable();
  pass(named('a', { mutex: { name: 'm' } }), locks);
  expect(locks.stateOf('test/Mutex/m').holders).toEqual(['test/a/a']);
});
