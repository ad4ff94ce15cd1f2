import { keys, type DeployApproval, type EnvironmentSpec, type HelmRelease } from '@sluice/model';
import { expect, test } from 'vitest';
import { decideGate, readApprovals, type Gate } from './environment-gate.ts';
import { parseEnvironmentSpec } from './environment-plan.ts';
import { makeRecord, makeSnapshot } from './testing.ts';

const minute = 60_000;
// A Thursday.
const now = Date.parse('2026-01-01T12:00:00Z');
const digest = `sha256:${'a'.repeat(64)}`;
const sha = 'c'.repeat(40);

/** The release in staging: deployed ten minutes ago. */
function staging(change: { digest?: string; ready?: 'True' | 'False'; sha?: string; observed?: number } = {}) {
  const lastDeployed = new Date(now - 10 * minute).toISOString();
  const snapshot = { ...makeSnapshot(makeRecord({})), ociDigest: change.digest ?? digest, lastDeployed };
  const ready = {
    type: 'Ready',
    status: change.ready ?? 'True',
    reason: 'x',
    message: '',
    lastTransitionTime: '',
  } as const;
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'app-staging', generation: 1, annotations: { [keys.sha]: change.sha ?? sha } },
    spec: { interval: '1m' },
    status: { observedGeneration: change.observed ?? 1, conditions: [ready], history: [snapshot] },
  } satisfies HelmRelease;
}

type Case = {
  name: string;
  spec?: Partial<EnvironmentSpec>;
  release?: HelmRelease;
  order?: number;
  approvals?: DeployApproval[];
  want: Gate;
};
const after = { after: ['staging'] };
const said = (message: string, lookAgainMs?: number): Gate => ({
  kind: 'waiting',
  message,
  ...(lookAgainMs ? { lookAgainMs } : {}),
});
const approved = { environment: 'production', by: 'ada', at: '2026-01-01T11:00:00Z' };
const weekly = { days: ['Thu'], from: '11:00', to: '13:30', reason: 'lunch' };

const cases: Case[] = [
  { name: 'nothing asked, nothing waited for', want: { kind: 'open' } },
  { name: 'the environment before serves this chart', spec: after, release: staging(), want: { kind: 'open' } },
  {
    name: 'nothing is deployed before',
    spec: after,
    want: said('waits for staging, where nothing is deployed yet'),
  },
  {
    name: 'the environment before has not looked at it yet',
    spec: after,
    release: staging({ observed: 0 }),
    want: said('waits for staging'),
  },
  {
    name: 'it failed there',
    spec: after,
    release: staging({ ready: 'False' }),
    want: said('waits for staging, where it failed'),
  },
  {
    name: 'an older commit is served there',
    spec: after,
    release: staging({ digest: 'sha256:old', sha: 'old' }),
    order: 3,
    want: said('waits for staging'),
  },
  {
    name: 'the same chart with the images of another commit is not the same',
    spec: after,
    release: staging({ sha: 'other' }),
    order: 3,
    want: said('waits for staging'),
  },
  {
    name: 'a newer commit is served there',
    spec: after,
    release: staging({ digest: 'sha256:new', sha: 'new' }),
    order: 9,
    want: { kind: 'superseded', message: 'staging has a newer commit by now' },
  },
  {
    name: 'time counts from when the environment before began to serve it',
    spec: { ...after, wait: '30m' },
    release: staging(),
    want: said('begins at 2026-01-01T12:20Z', 20 * minute),
  },
  { name: 'enough time has passed', spec: { ...after, wait: '10m' }, release: staging(), want: { kind: 'open' } },
  {
    name: 'without one before, time counts from the end of the run',
    spec: { wait: '1h' },
    want: said('begins at 2026-01-01T12:59Z', 59 * minute),
  },
  {
    name: 'a freeze from date to date',
    spec: { freeze: [{ from: '2025-12-20T00:00:00Z', to: '2026-01-02T00:00:00Z' }] },
    want: said('frozen until 2026-01-02T00:00Z', 12 * 60 * minute),
  },
  {
    name: 'a freeze that is over',
    spec: { freeze: [{ from: '2025-01-01T00:00:00Z', to: '2026-01-01T12:00:00Z' }] },
    want: { kind: 'open' },
  },
  {
    name: 'a weekly freeze',
    spec: { freeze: [weekly] },
    want: said('frozen until 2026-01-01T13:30Z (lunch)', 90 * minute),
  },
  {
    name: 'a weekly freeze in another time zone',
    spec: { freeze: [{ ...weekly, timeZone: 'Asia/Tokyo' }] },
    want: { kind: 'open' },
  },
  {
    name: 'a weekly freeze that began yesterday',
    spec: { freeze: [{ days: ['Wed'], from: '18:00', to: '12:30' }] },
    want: said('frozen until 2026-01-01T12:30Z', 30 * minute),
  },
  { name: 'a weekly freeze of another day', spec: { freeze: [{ ...weekly, days: ['Fri'] }] }, want: { kind: 'open' } },
  { name: 'nobody has approved', spec: { approval: {} }, want: said('waits for approval') },
  {
    name: 'somebody has approved another',
    spec: { approval: {} },
    approvals: [{ ...approved, environment: 'x' }],
    want: said('waits for approval'),
  },
  { name: 'somebody has approved', spec: { approval: {} }, approvals: [approved], want: { kind: 'open' } },
  {
    name: 'an approval does not end a freeze',
    spec: { approval: {}, freeze: [weekly] },
    approvals: [approved],
    want: said('frozen until 2026-01-01T13:30Z (lunch)', 90 * minute),
  },
  {
    name: 'an approval that says so does',
    spec: { approval: {}, freeze: [weekly] },
    approvals: [{ ...approved, despiteFreeze: true }],
    want: { kind: 'open' },
  },
  {
    name: 'in mode git the pull request is approved, not the deployment',
    spec: { approval: {}, mode: 'git', git: { repository: 'env' } },
    want: { kind: 'open' },
  },
  {
    name: 'every reason is told',
    spec: { ...after, approval: {}, freeze: [weekly] },
    want: said(
      'waits for staging, where nothing is deployed yet; frozen until 2026-01-01T13:30Z (lunch); waits for approval',
      90 * minute,
    ),
  },
];

test.for(cases)('$name', ({ spec, release, order = 5, approvals = [], want }) => {
  const parsed = parseEnvironmentSpec({ namespace: 'prod', ...spec }, 'production');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const request = { environment: 'production', order: 5, sha, chartDigest: digest, runEndedMs: now - minute };
  const before = parsed.value.after.map((environment) => ({ environment, order, ...(release ? { release } : {}) }));
  expect(decideGate({ plan: parsed.value, request, before, approvals, now })).toEqual(want);
});

test('what is no approval is passed over', () => {
  expect(readApprovals(JSON.stringify([approved, {}, null, 'x']))).toEqual([approved]);
  expect([readApprovals(undefined), readApprovals('{'), readApprovals('{}')]).toEqual([[], [], []]);
});

test('every mistake in an environment is told at once, by its path', () => {
  const spec = {
    namespace: 'Not OK',
    mode: 'git',
    git: { repository: '', path: '../x' },
    after: ['production'],
    wait: 'soon',
    preview: true,
    freeze: [
      { from: 'x', to: '2026-01-01T00:00:00Z' },
      { days: ['Thursday'], from: '25:00', to: '1:00', timeZone: 'Mars' },
    ],
  } as const;
  const parsed = parseEnvironmentSpec(spec, 'production');
  expect(parsed.ok ? [] : parsed.problems.map(({ path }) => path)).toEqual([
    'spec.namespace',
    'spec.after',
    'spec.preview',
    'spec.after',
    'spec.git.repository',
    'spec.git.path',
    'spec.wait',
    'spec.freeze[0].from',
    'spec.freeze[1].from',
    'spec.freeze[1].to',
    'spec.freeze[1].days',
    'spec.freeze[1].timeZone',
  ]);
  expect(parseEnvironmentSpec({ namespace: 'a', git: { repository: 'x' } }, 'b').ok).toBe(false);
});
