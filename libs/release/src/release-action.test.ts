import type { HelmReleaseSpec } from '@sluice/model';
import { expect, test } from 'vitest';
import { nextAction, type ActionInput, type ReleaseAction } from './release-action.ts';
import { afterPass, countFailure, isNewAttempt, pendingRequests } from './release-attempts.ts';
import type { ReleaseStateKind } from './release-state.ts';
import { makePlan, makeRecord, makeSnapshot, testSha256 as sha256 } from './testing.ts';

const good = makeRecord({ version: 1, status: 'superseded' });
const bad = makeRecord({ version: 2, status: 'failed' });
const installFailed = { lastAction: 'install', installFailures: 1, upgradeFailures: 0 } as const;
const upgradeFailed = { lastAction: 'upgrade', installFailures: 0, upgradeFailures: 1 } as const;
const pair = { records: [bad, good], history: [makeSnapshot(bad), makeSnapshot(good)] };
const upgradeWith = (remediation: object): Partial<HelmReleaseSpec> =>
  ({ upgrade: { remediation } }) as Partial<HelmReleaseSpec>;
const retry = { strategy: { name: 'RetryOnFailure', retryInterval: '1m' } };

const cases: {
  name: string;
  state: ReleaseStateKind;
  spec?: Partial<HelmReleaseSpec>;
  more?: Partial<ActionInput>;
  want: string;
}[] = [
  { name: 'in-sync', state: 'InSync', want: 'none' },
  { name: 'in-sync, forced', state: 'InSync', more: { forced: true }, want: 'upgrade' },
  { name: 'locked', state: 'Locked', more: { records: [bad] }, want: 'unlock' },
  { name: 'absent', state: 'Absent', want: 'install' },
  { name: 'absent, retries exhausted', state: 'Absent', more: { attempts: installFailed }, want: 'RetriesExceeded' },
  {
    name: 'absent, retries left',
    state: 'Absent',
    spec: { install: { remediation: { retries: 1 } } },
    more: { attempts: installFailed },
    want: 'install',
  },
  {
    name: 'absent, retries without end',
    state: 'Absent',
    spec: { install: { remediation: { retries: -1 } } },
    more: { attempts: { ...installFailed, installFailures: 99 } },
    want: 'install',
  },
  {
    name: 'absent, exhausted but forced',
    state: 'Absent',
    more: { attempts: installFailed, forced: true },
    want: 'install',
  },
  {
    name: 'absent, RetryOnFailure is never exhausted',
    state: 'Absent',
    spec: { install: retry },
    more: { attempts: installFailed },
    want: 'install',
  },
  { name: 'unmanaged', state: 'Unmanaged', want: 'upgrade adopt' },
  { name: 'out-of-sync', state: 'OutOfSync', want: 'upgrade' },
  { name: 'out-of-sync, exhausted', state: 'OutOfSync', more: { attempts: upgradeFailed }, want: 'RetriesExceeded' },
  {
    name: 'out-of-sync, exhausted but forced',
    state: 'OutOfSync',
    more: { attempts: upgradeFailed, forced: true },
    want: 'upgrade',
  },
  {
    name: 'out-of-sync, RetryOnFailure is never exhausted',
    state: 'OutOfSync',
    spec: { upgrade: retry },
    more: { attempts: upgradeFailed },
    want: 'upgrade',
  },
  {
    name: 'drifted, mode enabled',
    state: 'Drifted',
    spec: { driftDetection: { mode: 'enabled' } },
    want: 'correct-drift',
  },
  { name: 'drifted, mode warn', state: 'Drifted', spec: { driftDetection: { mode: 'warn' } }, want: 'none' },
  { name: 'untested', state: 'Untested', want: 'test' },
  { name: 'failed, no remediation active', state: 'Failed', more: { ...pair }, want: 'upgrade' },
  {
    name: 'failed, count 0',
    state: 'Failed',
    more: { ...pair, attempts: { ...upgradeFailed, upgradeFailures: 0 } },
    want: 'upgrade',
  },
  {
    name: 'failed, exhausted, last failure left alone',
    state: 'Failed',
    more: { ...pair, attempts: upgradeFailed },
    want: 'RetriesExceeded',
  },
  {
    name: 'failed, forced',
    state: 'Failed',
    more: { ...pair, attempts: upgradeFailed, forced: true },
    want: 'upgrade',
  },
  {
    name: 'failed install with retries',
    state: 'Failed',
    spec: { install: { remediation: { retries: 1 } } },
    more: { attempts: installFailed },
    want: 'uninstall',
  },
  { name: 'failed install, exhausted', state: 'Failed', more: { attempts: installFailed }, want: 'RetriesExceeded' },
  {
    name: 'failed install, exhausted, last one remediated',
    state: 'Failed',
    spec: { install: { remediation: { remediateLastFailure: true } } },
    more: { attempts: installFailed },
    want: 'uninstall',
  },
  {
    name: 'failed, RetryOnFailure',
    state: 'Failed',
    spec: { upgrade: retry },
    more: { ...pair, attempts: upgradeFailed },
    want: 'upgrade',
  },
  {
    name: 'failed upgrade with retries',
    state: 'Failed',
    spec: upgradeWith({ retries: 2 }),
    more: { ...pair, attempts: upgradeFailed },
    want: 'rollback 1',
  },
  {
    name: 'failed upgrade, exhausted, remediated by default when there are retries',
    state: 'Failed',
    spec: upgradeWith({ retries: 1 }),
    more: { ...pair, attempts: { ...upgradeFailed, upgradeFailures: 2 } },
    want: 'rollback 1',
  },
  {
    name: 'failed upgrade, strategy uninstall',
    state: 'Failed',
    spec: upgradeWith({ retries: 1, strategy: 'uninstall' }),
    more: { ...pair, attempts: upgradeFailed },
    want: 'uninstall',
  },
  {
    name: 'failed upgrade, no previous',
    state: 'Failed',
    spec: upgradeWith({ retries: 1 }),
    more: { records: [bad], history: [makeSnapshot(bad)], attempts: upgradeFailed },
    want: 'MissingRollbackTarget',
  },
  {
    name: 'failed upgrade, previous altered',
    state: 'Failed',
    spec: upgradeWith({ retries: 1 }),
    more: {
      records: [bad, makeRecord({ status: 'superseded', manifest: 'x' })],
      history: pair.history,
      attempts: upgradeFailed,
    },
    want: 'upgrade',
  },
  {
    name: 'failed upgrade, previous deleted outside',
    state: 'Failed',
    spec: upgradeWith({ retries: 1 }),
    more: { records: [bad], history: pair.history, attempts: upgradeFailed },
    want: 'upgrade',
  },
  {
    name: 'failed upgrade, previous failed its tests',
    state: 'Failed',
    spec: upgradeWith({ retries: 1 }),
    more: {
      records: pair.records,
      history: [makeSnapshot(bad), makeSnapshot(good, { testHooks: { a: { phase: 'Failed' } } })],
      attempts: upgradeFailed,
    },
    want: 'MissingRollbackTarget',
  },
  { name: 'unknown', state: 'Unknown', want: 'StateError' },
];

function textOf(action: ReleaseAction): string {
  if (action.kind === 'refuse') return action.reason;
  if (action.kind === 'rollback') return `rollback ${action.version}`;
  return action.kind === 'upgrade' && action.adopt ? 'upgrade adopt' : action.kind;
}

test.for(cases)('$name: $want', ({ state, spec = {}, more = {}, want }) => {
  const attempts = { installFailures: 0, upgradeFailures: 0 };
  const input = { plan: makePlan(spec), attempts, forced: false, records: [], history: [], sha256, ...more };
  const action = nextAction({ kind: state, reason: 'r' }, input);
  expect(textOf(action)).toBe(want);
});

test.for<[string, Partial<HelmReleaseSpec>, Parameters<typeof afterPass>[1], Parameters<typeof afterPass>[2], object]>([
  [
    'retries left: at once',
    upgradeWith({ retries: 1 }),
    upgradeFailed,
    { kind: 'rollback', version: 1 },
    { when: 'now' },
  ],
  [
    'exhausted: stalled',
    {},
    upgradeFailed,
    { kind: 'rollback', version: 1 },
    { when: 'stalled', reason: 'RetriesExceeded', message: 'Failed to upgrade after 1 attempt(s)' },
  ],
  [
    'uninstalled after an upgrade: installed again at once',
    upgradeWith({ strategy: 'uninstall' }),
    upgradeFailed,
    { kind: 'uninstall' },
    { when: 'now' },
  ],
  [
    'RetryOnFailure: after its interval',
    { upgrade: retry },
    upgradeFailed,
    { kind: 'upgrade', adopt: false },
    { when: 'after', ms: 60_000 },
  ],
  [
    'never attempted: at the interval',
    {},
    { installFailures: 0, upgradeFailures: 0 },
    { kind: 'none' },
    { when: 'interval' },
  ],
])('after a pass with %s', ([, spec, attempts, last, want]) => {
  expect(afterPass(makePlan(spec), attempts, last)).toEqual(want);
});

test('a failing upgrade with two retries is tried three times, rolled back each time, then stalled', () => {
  const plan = makePlan(upgradeWith({ retries: 2 }));
  let status = { lastAttemptedReleaseAction: 'upgrade' } as Parameters<typeof countFailure>[0];
  const seen: string[] = [];
  for (let attempt = 1; attempt <= 5; attempt++) {
    const attempts = {
      lastAction: 'upgrade',
      installFailures: 0,
      upgradeFailures: status.upgradeFailures ?? 0,
    } as const;
    const input = { plan, attempts, forced: false, sha256, ...pair };
    const next = nextAction({ kind: 'OutOfSync', reason: '' }, input);
    seen.push(next.kind === 'refuse' ? next.reason : next.kind);
    if (next.kind !== 'upgrade') break;
    status = countFailure(status, next);
    const failures = { ...attempts, upgradeFailures: status.upgradeFailures ?? 0 };
    const remedy = nextAction({ kind: 'Failed', reason: '' }, { ...input, attempts: failures });
    seen.push(remedy.kind, afterPass(plan, failures, remedy).when);
  }
  expect(seen).toEqual([
    'upgrade',
    'rollback',
    'now',
    'upgrade',
    'rollback',
    'now',
    'upgrade',
    'rollback',
    'stalled',
    'RetriesExceeded',
  ]);
});

test('failed tests count against the attempt that they tested', () => {
  expect(countFailure({ lastAttemptedReleaseAction: 'install' }, { kind: 'test' })).toMatchObject({
    failures: 1,
    installFailures: 1,
  });
  expect(countFailure({}, { kind: 'rollback', version: 1 })).toEqual({ failures: 1 });
});

test('a change of generation, chart or values is a new attempt', () => {
  const key = { generation: 1, revision: 'r', configDigest: 'c' };
  const status = { lastAttemptedGeneration: 1, lastAttemptedRevision: 'r', lastAttemptedConfigDigest: 'c' };
  expect(isNewAttempt(status, key)).toBe(false);
  for (const change of [{ generation: 2 }, { revision: 's' }, { configDigest: 'd' }])
    expect(isNewAttempt(status, { ...key, ...change })).toBe(true);
});

test('force and reset count once, and only with the token of requestedAt', () => {
  const both = {
    'reconcile.fluxcd.io/requestedAt': 't',
    'reconcile.fluxcd.io/forceAt': 't',
    'reconcile.fluxcd.io/resetAt': 's',
  };
  expect(pendingRequests(both, {})).toEqual({ token: 't', force: true, reset: false });
  expect(pendingRequests(both, { lastHandledForceAt: 't', lastHandledReconcileAt: 't' })).toEqual({
    force: false,
    reset: false,
  });
  expect(pendingRequests({ 'reconcile.fluxcd.io/forceAt': 't' }, {})).toEqual({ force: false, reset: false });
});
