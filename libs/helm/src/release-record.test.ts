import { expect, test } from 'vitest';
import { decodeRelease, readReleases, unlockRelease, withStatus } from './release-record.ts';
import { makeReleaseSecret } from './testing.ts';

test('records are read newest first, and Secrets of another type passed over', () => {
  const other = { ...makeReleaseSecret({ version: 9 }), type: 'Opaque' };
  const read = readReleases([
    makeReleaseSecret({ version: 1 }),
    other,
    makeReleaseSecret({ version: 10 }),
    makeReleaseSecret({ version: 2 }),
  ]);
  expect(read.map(({ version }) => version)).toEqual([10, 2, 1]);
});

test('a record has what decisions need', () => {
  const hooks = [
    { name: 't', kind: 'Pod', events: ['test'], last_run: { phase: 'Failed', started_at: 'a', completed_at: 'b' } },
  ];
  expect(decodeRelease(makeReleaseSecret({ extra: { hooks } }))).toMatchObject({
    name: 'demo',
    status: 'deployed',
    chart: { name: 'demo', version: '1.0.0' },
    config: { replicas: 1 },
    applyMethod: 'ssa',
    hooks: [{ name: 't', events: ['test'], lastRun: { phase: 'Failed', startedAt: 'a', completedAt: 'b' } }],
  });
});

test.for(['pending-install', 'pending-upgrade', 'pending-rollback', 'uninstalling'])(
  'a record left %s is unlocked to failed',
  (status) => {
    const secret = makeReleaseSecret({ status });
    const unlocked = unlockRelease(secret, 1_700_000_000);
    const record = decodeRelease(unlocked);
    expect(record.status).toBe('failed');
    expect(record.description).toBe(`Unlocked from stale '${status}' state`);
    expect(unlocked.metadata.labels).toMatchObject({ status: 'failed', modifiedAt: '1700000000', owner: 'helm' });
    expect({ ...record, status, description: 'Install complete' }).toEqual(decodeRelease(secret));
  },
);

test('a record that is not locked is left as it is', () => {
  const secret = makeReleaseSecret();
  expect(unlockRelease(secret, 1)).toBe(secret);
});

test('changing the status keeps every other byte of the record', () => {
  const secret = makeReleaseSecret({
    extra: { config: { big: 12345678901, text: 'ü\u2028' }, unknown: [1, { a: null }] },
  });
  const back = withStatus(withStatus(secret, 'failed', 'x', 1), 'deployed', 'Install complete', 1);
  expect(decodeRelease(back)).toEqual(decodeRelease(secret));
});

test.for([
  ['nothing', {}],
  ['no base64 of gzip', { release: 'bm9wZQ==' }],
  ['something far too long', { release: 'A'.repeat(3 * 1024 * 1024 + 1) }],
])('a Secret with %s in it is refused by name', ([, data]) => {
  const secret = { ...makeReleaseSecret(), data: data as Record<string, string> };
  expect(() => decodeRelease(secret)).toThrow(
    'Secret default/sh.helm.release.v1.demo.v1 is not a readable release record',
  );
});
