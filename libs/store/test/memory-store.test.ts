import { expect, test } from 'vitest';
import { memoryStore } from '../src/memory-store.ts';
import { StoreFullError } from '../src/store.ts';

test('a memory store told to be full refuses puts, takes deletions and recovers', async () => {
  const store = memoryStore([['a', new Uint8Array([1])]]);
  store.fillUp(true);
  await expect(store.commit([{ type: 'put', key: 'b', value: new Uint8Array() }])).rejects.toThrow(StoreFullError);
  await store.commit([{ type: 'delete', key: 'a' }]);
  store.fillUp(false);
  await store.commit([{ type: 'put', key: 'b', value: new Uint8Array() }]);
  expect([...store.range()].map(([key]) => key)).toEqual(['b']);
});
