import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openStore } from '../src/lmdb-store.ts';
import { StoreFullError } from '../src/store.ts';

const mountPoint = mkdtempSync(join(tmpdir(), 'sluice-full-'));
const mounted = mount();
afterAll(() => {
  if (mounted) execFileSync('umount', [mountPoint]);
  rmSync(mountPoint, { recursive: true, force: true });
});

function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mountPoint], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!mounted)(
  'a full disk refuses the write and the store recovers when space returns (needs root to mount)',
  async () => {
    const store = await openStore({ directory: join(mountPoint, 'store'), formatVersion: 1 });
    await store.commit([{ type: 'put', key: 'small', value: Buffer.from('1') }]);
    writeFileSync(join(mountPoint, 'ballast'), Buffer.alloc(3_000_000));
    const large = { type: 'put', key: 'large', value: Buffer.alloc(1_500_000) } as const;
    const both = await Promise.allSettled([store.commit([large]), store.commit([{ type: 'delete', key: 'small' }])]);
    expect(both[0]).toMatchObject({ status: 'rejected', reason: expect.any(StoreFullError) });
    expect(both[1].status).toBe('fulfilled');
    expect(store.get('large')).toBeUndefined();
    rmSync(join(mountPoint, 'ballast'));
    await store.commit([large]);
    expect(store.get('large')?.length).toBe(1_500_000);
    expect(store.get('small')).toBeUndefined();
    await store.close();
  },
);

test.skipIf(!mounted)(
  'writing on until the disk is full loses nothing that was acknowledged and never ends the process (needs root to mount)',
  async () => {
    const store = await openStore({ directory: join(mountPoint, 'filled'), formatVersion: 1 });
    const acknowledged: string[] = [];
    let refusal: unknown;
    for (let i = 0; i < 5_000 && refusal === undefined; i++) {
      const key = `k${i}`;
      await store.commit([{ type: 'put', key, value: Buffer.alloc(9_000, i) }]).then(
        () => acknowledged.push(key),
        (error: unknown) => (refusal = error),
      );
    }
    expect(refusal).toBeInstanceOf(StoreFullError);
    expect(acknowledged.every((key, i) => store.get(key)?.[0] === i % 256)).toBe(true);
    await store.commit(acknowledged.map((key) => ({ type: 'delete', key })));
    await store.commit([{ type: 'put', key: 'after', value: Buffer.from('1') }]);
    await store.close();
    const again = await openStore({ directory: join(mountPoint, 'filled'), formatVersion: 1 });
    expect(again.get('after')).toBeDefined();
    await again.close();
  },
);
