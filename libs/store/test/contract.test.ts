import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../src/lmdb-store.ts';
import { memoryStore } from '../src/memory-store.ts';
import { type RangeOptions, type Store, StoreClosedError } from '../src/store.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

/** The suite that every implementation of Store passes. */
function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`${name} keeps the contract of Store`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const put = (...keys: string[]): Promise<void> =>
      store.commit(keys.map((key) => ({ type: 'put', key, value: bytes(`=${key}`) })));
    const keys = (options?: RangeOptions): string[] => [...store.range(options)].map(([key]) => key);

    test('gives back what was committed, byte for byte', async () => {
      const value = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
      await store.commit([{ type: 'put', key: 'a', value }]);
      expect(Buffer.compare(store.get('a') ?? new Uint8Array(), value)).toBe(0);
      expect(store.get('b')).toBeUndefined();
    });

    test('keeps a value apart from the buffer that it came in', async () => {
      const value = bytes('before');
      await store.commit([{ type: 'put', key: 'a', value }]);
      value.fill(0);
      expect(text(store.get('a'))).toBe('before');
    });

    test('keeps earlier results of get when the key changes', async () => {
      await store.commit([{ type: 'put', key: 'a', value: bytes('one') }]);
      const before = store.get('a');
      await store.commit([{ type: 'put', key: 'a', value: bytes('two') }]);
      expect([text(before), text(store.get('a'))]).toEqual(['one', 'two']);
    });

    test('stores an empty value as a value', async () => {
      await store.commit([{ type: 'put', key: 'a', value: new Uint8Array() }]);
      expect(store.get('a')?.length).toBe(0);
    });

    test('applies the operations of a commit in order', async () => {
      await put('a', 'b');
      await store.commit([
        { type: 'delete', key: 'a' },
        { type: 'put', key: 'a', value: bytes('again') },
        { type: 'put', key: 'b', value: bytes('gone') },
        { type: 'delete', key: 'b' },
        { type: 'delete', key: 'never' },
      ]);
      expect([text(store.get('a')), store.get('b')]).toEqual(['again', undefined]);
    });

    test('orders keys by their UTF-8 bytes', async () => {
      const wanted = ['a', 'a-b/x', 'a/x', 'b', 'bb', 'é', '\uFFFD', '😀'];
      await put(...wanted.toReversed());
      expect(keys()).toEqual(wanted);
    });

    const ranges: { name: string; options: RangeOptions; want: string[] }[] = [
      { name: 'gte includes its bound', options: { gte: 'b' }, want: ['b', 'c', 'd'] },
      { name: 'gt excludes its bound', options: { gt: 'b' }, want: ['c', 'd'] },
      { name: 'lt excludes its bound', options: { lt: 'c' }, want: ['a', 'b'] },
      { name: 'bounds need not exist', options: { gte: 'aa', lt: 'cc' }, want: ['b', 'c'] },
      { name: 'limit cuts', options: { gte: 'b', limit: 2 }, want: ['b', 'c'] },
      { name: 'reverse runs from the end', options: { reverse: true }, want: ['d', 'c', 'b', 'a'] },
      { name: 'reverse keeps both bounds', options: { gte: 'b', lt: 'd', reverse: true }, want: ['c', 'b'] },
      { name: 'reverse with gt and limit', options: { gt: 'a', limit: 2, reverse: true }, want: ['d', 'c'] },
      { name: 'an empty range is empty', options: { gte: 'c', lt: 'b' }, want: [] },
      { name: 'a limit of nothing gives nothing', options: { limit: 0 }, want: [] },
    ];
    test.for(ranges)('range: $name', async ({ options, want }) => {
      await put('a', 'b', 'c', 'd');
      expect(keys(options)).toEqual(want);
    });

    test('range gives each key with its own value', async () => {
      await put('a', 'b', 'c');
      expect([...store.range()].map(([key, value]) => [key, text(value)])).toEqual([
        ['a', '=a'],
        ['b', '=b'],
        ['c', '=c'],
      ]);
    });

    test('commits of one turn take effect in the order of the calls', async () => {
      const done: number[] = [];
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          await store.commit([{ type: 'put', key: 'last', value: bytes(String(index)) }]);
          done.push(index);
        }),
      );
      expect(text(store.get('last'))).toBe('99');
      expect(done).toEqual(Array.from({ length: 100 }, (_, index) => index));
    });

    test.for(['', 'a\0b', 'x'.repeat(1_501)])('refuses the key %j', async (key) => {
      await expect(store.commit([{ type: 'put', key, value: bytes('') }])).rejects.toThrow(RangeError);
      await put('fine');
      expect(keys()).toEqual(['fine']);
    });

    test('takes a key of the greatest length', async () => {
      const key = 'k'.repeat(1_500);
      await put(key);
      expect(keys()).toEqual([key]);
    });

    test('a commit without operations resolves', async () => {
      await expect(store.commit([])).resolves.toBeUndefined();
    });

    test('a closed store refuses', async () => {
      await store.close();
      await expect(store.commit([])).rejects.toThrow(StoreClosedError);
      expect(() => store.get('a')).toThrow(StoreClosedError);
      expect(() => store.range()).toThrow(StoreClosedError);
    });
  });
}

const directories: string[] = [];
afterAll(async () => {
  await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })));
});

storeContract('the memory store', async () => memoryStore());
storeContract('the LMDB store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-store-'));
  directories.push(directory);
  return openStore({ directory, formatVersion: 1 });
});
