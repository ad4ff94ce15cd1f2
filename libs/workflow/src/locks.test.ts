import { expect, test } from 'vitest';
import { LockTable } from './locks.ts';

const rank = { priority: 0, createdAt: 1 };
const mutex = (key: string) => ({ key, limit: 1 });

function acquire(table: LockTable, holder: string, keys: readonly string[], change: object = {}): boolean {
  const draft = table.draft(holder.split('/', 2).join('/'));
  const { ok } = draft.acquire(holder, keys.map(mutex), { ...rank, ...change });
  table.commit(draft.changes);
  return ok;
}

test('a draft changes nothing until it is committed', () => {
  const table = new LockTable();
  const draft = table.draft('ns/a');
  expect(draft.acquire('ns/a', [mutex('x')], rank)).toEqual({ ok: true });
  expect(table.stateOf('x').holders).toEqual([]);
  table.commit(draft.changes);
  expect(table.stateOf('x').holders).toEqual(['ns/a']);
});

test('taking what one holds already counts as done', () => {
  const table = new LockTable();
  expect(acquire(table, 'ns/a', ['x'])).toBe(true);
  expect(acquire(table, 'ns/a', ['x'])).toBe(true);
  expect(table.stateOf('x').holders).toEqual(['ns/a']);
});

test('the refusal says which lock is missing and how much of it is left', () => {
  const table = new LockTable();
  acquire(table, 'ns/a', ['ns/Mutex/x']);
  const refused = table.draft('ns/b').acquire('ns/b', [mutex('ns/Mutex/x')], rank);
  expect(refused).toEqual({
    ok: false,
    key: 'ns/Mutex/x',
    message: 'Waiting for ns/Mutex/x lock. Lock status: 0/1',
  });
});

test('letting go wakes the head of the queue: the higher priority, then the older workflow', () => {
  const table = new LockTable();
  acquire(table, 'ns/a', ['x']);
  acquire(table, 'ns/young', ['x'], { createdAt: 9 });
  acquire(table, 'ns/old', ['x'], { createdAt: 2 });
  acquire(table, 'ns/urgent', ['x'], { createdAt: 10, priority: 5 });
  expect(table.release('ns/a')).toEqual(['ns/urgent']);
  expect(acquire(table, 'ns/old', ['x'], { createdAt: 2 })).toBe(false);
  expect(acquire(table, 'ns/urgent', ['x'], { priority: 5 })).toBe(true);
  expect(table.release('ns/urgent')).toEqual(['ns/old']);
});

test('several locks are taken all or none', () => {
  const table = new LockTable();
  acquire(table, 'ns/a', ['y']);
  expect(acquire(table, 'ns/b', ['x', 'y'])).toBe(false);
  expect(table.stateOf('x').holders).toEqual([]);
  table.release('ns/a');
  expect(acquire(table, 'ns/b', ['x', 'y'])).toBe(true);
});

test('two that want the same locks in opposite order do not block each other', () => {
  const table = new LockTable();
  acquire(table, 'ns/a', ['x', 'y']);
  acquire(table, 'ns/b', ['x', 'y']);
  acquire(table, 'ns/c', ['y', 'x']);
  table.release('ns/a');
  expect([acquire(table, 'ns/c', ['y', 'x']), acquire(table, 'ns/b', ['x', 'y'])]).toEqual([false, true]);
  table.release('ns/b');
  expect(acquire(table, 'ns/c', ['y', 'x'])).toBe(true);
});

test('a semaphore has as many holders as its limit, and wakes the next while some is left', () => {
  const table = new LockTable();
  const take = (holder: string) => {
    const draft = table.draft(holder);
    const { ok } = draft.acquire(holder, [{ key: 's', limit: 2 }], rank);
    return { ok, woken: table.commit(draft.changes) };
  };
  expect(take('ns/a').ok).toBe(true);
  expect(take('ns/b').ok).toBe(true);
  expect(take('ns/c').ok).toBe(false);
  expect(take('ns/c').woken).toEqual([]);
  expect(table.release('ns/a')).toEqual(['ns/c']);
});

test('a workflow that is gone leaves the queue too', () => {
  const table = new LockTable();
  acquire(table, 'ns/a', ['x']);
  acquire(table, 'ns/b/node-1', ['x']);
  acquire(table, 'ns/c', ['x']);
  table.release('ns/b');
  expect(table.release('ns/a')).toEqual(['ns/c']);
  table.release('ns/c');
  expect(table.stateOf('x')).toEqual({ holders: [], queue: [] });
  expect(table.keysOf('ns/c')).toEqual([]);
});
