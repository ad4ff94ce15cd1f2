import { setCondition, type Condition } from '@sluice/model';
import { expect, test } from 'vitest';
import { canonicalJson, configDigest } from './digest.ts';
import { formatDuration, parseDuration } from './duration.ts';
import {
  addSnapshot,
  matchesRecord,
  previousGood,
  refreshHistory,
  truncateHistory,
  withTestResults,
} from './history.ts';
import { isRepeatable, recognizeOwnRevision } from './own-revision.ts';
import { healConditions, summarizeReady } from './ready-summary.ts';
import { releaseNameOf, shortenName, versionWithDigest } from './release-name.ts';
import { composeValues, ValuesError, type ValuesPart } from './release-values.ts';
import { selectVersion } from './select-version.ts';
import { parseOciSourceSpec } from './oci-source-plan.ts';
import { makeRecord, makeSnapshot, testSha256 as sha256 } from './testing.ts';

test('a snapshot follows a change of status alone, and shows any other change', () => {
  const snapshot = makeSnapshot(makeRecord());
  const superseded = makeRecord({ status: 'superseded' });
  const [followed] = refreshHistory([snapshot], [superseded], sha256);
  expect(followed && matchesRecord(followed, superseded, sha256)).toBe(true);
  const altered = makeRecord({ status: 'superseded', manifest: 'altered' });
  expect(refreshHistory([snapshot], [altered], sha256)).toEqual([snapshot]);
});

test('history keeps the previous good snapshot in sync, and five otherwise', () => {
  const statuses = ['deployed', 'failed', 'superseded', 'superseded', 'failed', 'superseded', 'superseded'];
  const history = statuses.map((status, index) => makeSnapshot(makeRecord({ version: 10 - index, status })));
  const keep = (inSync: boolean): number[] =>
    truncateHistory(history, { inSync, ignoreTestFailures: false }).map(({ version }) => version);
  expect(keep(true)).toEqual([10, 9, 8]);
  expect(keep(false)).toEqual([10, 9, 8, 7, 6]);
  expect(previousGood(history, false)?.version).toBe(8);
});

test('a snapshot takes the place of the one of its revision, and test results go to the newest', () => {
  const [one, two] = [makeSnapshot(makeRecord()), makeSnapshot(makeRecord({ version: 2 }))];
  const history = addSnapshot([two, one], { ...one, status: 'failed' });
  expect(history.map(({ version, status }) => `${version} ${status}`)).toEqual(['2 deployed', '1 failed']);
  const hook = {
    name: 'a',
    kind: 'Pod',
    path: '',
    manifest: '',
    events: ['test'],
    lastRun: { phase: 'Failed', startedAt: 's' },
  };
  expect(withTestResults(history, [hook, { ...hook, name: 'b', events: ['post-install'] }])[0]?.testHooks).toEqual({
    a: { phase: 'Failed', lastStarted: 's' },
  });
});

const attempted = {
  lastAttemptedReleaseAction: 'upgrade',
  lastAttemptedRevision: '2.0.0',
  lastAttemptedConfigDigest: configDigest({}, sha256),
} as const;

test.for<[string, number, string, string, string | undefined]>([
  ['the announced attempt', 2, '2.0.0', 'new', 'upgrade'],
  ['a copy of an older good revision', 3, '1.0.0', 'm', 'rollback'],
  ['another chart', 2, '3.0.0', 'new', undefined],
  ['a later number', 4, '2.0.0', 'new', undefined],
])('%s is ours after a restart or not', ([, version, chartVersion, manifest, want]) => {
  const one = makeRecord({ version: 1, status: 'superseded' });
  const two = makeRecord({ version: 2, status: 'failed', chartVersion: '2.0.0', manifest: 'new' });
  const older = version === 2 ? [one] : [two, one];
  const latest = makeRecord({ version, chartVersion, manifest });
  const facts = recognizeOwnRevision(
    [latest, ...older],
    older.map((record) => makeSnapshot(record)),
    attempted,
    sha256,
  );
  expect(facts?.action).toBe(want);
});

test('an abandoned upgrade is repeatable only when the same is wanted again', () => {
  const desired = {
    name: 'demo',
    namespace: 'apps',
    chartName: 'demo',
    chartVersion: '1.0.0',
    configDigest: configDigest({}, sha256),
  };
  const pending = makeRecord({ status: 'pending-upgrade' });
  expect(isRepeatable(pending, desired, sha256)).toBe(true);
  expect(isRepeatable(pending, { ...desired, chartVersion: '2.0.0' }, sha256)).toBe(false);
  expect(isRepeatable(makeRecord({ status: 'uninstalling' }), desired, sha256)).toBe(false);
});

test('the config digest does not depend on the order of keys, and no values have the digest of nothing', () => {
  expect(configDigest({ a: 1, b: { c: 2, d: [1, { y: 1, x: 2 }] } }, sha256)).toBe(
    configDigest({ b: { d: [1, { x: 2, y: 1 }], c: 2 }, a: 1 }, sha256),
  );
  expect(configDigest({}, sha256)).toBe(`sha256:${sha256('')}`);
  expect(canonicalJson([null, 'ü', { b: 1, a: [] }])).toBe('[null,"ü",{"a":[],"b":1}]');
});

test('names of more than 53 characters are cut and hashed', () => {
  const long = 'a'.repeat(54);
  expect(shortenName('a'.repeat(53), sha256)).toBe('a'.repeat(53));
  expect(shortenName(long, sha256)).toBe(`${'a'.repeat(40)}-${sha256(long).slice(0, 12)}`);
  const release = { apiVersion: '', kind: '', metadata: { name: 'web' } };
  expect(releaseNameOf({ ...release, spec: { interval: '1m', targetNamespace: 'prod' } }, sha256)).toBe('prod-web');
  expect(
    releaseNameOf({ ...release, spec: { interval: '1m', targetNamespace: 'prod', releaseName: 'x' } }, sha256),
  ).toBe('x');
  expect(versionWithDigest('1.2.3', `sha256:${'ab'.repeat(32)}`)).toBe('1.2.3+abababababab');
  expect(versionWithDigest('1.2.3+b1', `sha256:${'ab'.repeat(32)}`)).toBe('1.2.3+b1.abababababab');
});

test.for([
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1_500],
  ['0', 0],
  ['10', undefined],
  ['-1s', undefined],
  ['5 m', undefined],
  ['', undefined],
] as const)('the duration "%s" is %s ms', ([text, want]) => expect(parseDuration(text)).toBe(want));

test('durations are shown as Go shows them', () => {
  expect([formatDuration(300_000), formatDuration(3_661_000), formatDuration(2_000)]).toEqual(['5m0s', '1h1m1s', '2s']);
});

const place = (path: string, text: string, literal = false): ValuesPart => ({ kind: 'place', path, text, literal });

test.for<[string, ValuesPart[], object, object]>([
  [
    'inline values win over sources',
    [{ kind: 'tree', values: { a: 1, b: { c: 1 } } }],
    { b: { d: 2 }, a: 3 },
    { a: 3, b: { c: 1, d: 2 } },
  ],
  [
    'later sources win over earlier ones',
    [
      { kind: 'tree', values: { a: 1 } },
      { kind: 'tree', values: { a: 2 } },
    ],
    {},
    { a: 2 },
  ],
  ['lists are replaced', [{ kind: 'tree', values: { a: [1, 2] } }], { a: [3] }, { a: [3] }],
  ['a target path wins over inline values', [place('a.b', '5')], { a: { b: 1, c: 2 } }, { a: { b: 5, c: 2 } }],
  ['a target path makes what is missing', [place('a[1].b\\.c', 'true\n')], {}, { a: [null, { 'b.c': true }] }],
  ['quotes force a text', [place('a', "'5'")], {}, { a: '5' }],
  ['braces make a list', [place('a', '{x,2}')], {}, { a: ['x', 2] }],
  ['a literal is taken as it is', [place('a', '{"x": [1,2]}', true)], {}, { a: '{"x": [1,2]}' }],
  ['several lines are taken as they are', [place('a', 'x,y\nz')], {}, { a: 'x,y\nz' }],
  ['a number with a leading zero stays a text', [place('a', '007')], {}, { a: '007' }],
])('values: %s', ([, parts, inline, want]) => {
  expect(composeValues(parts, inline as never)).toEqual(want);
});

test('values that cannot be placed are refused with the way out', () => {
  expect(() => composeValues([place('a', 'x,y')], {})).toThrow('set literal: true');
  expect(() => composeValues([place('__proto__.x', '1')], {})).toThrow(ValuesError);
  expect(() => composeValues([place('a[99999999]', '1')], {})).toThrow(ValuesError);
  expect(() => composeValues([], JSON.parse('{"__proto__": {"x": 1}}'))).toThrow('not allowed');
});

test('the highest version in the range is chosen, tags that are none are passed over', () => {
  const tags = ['latest', '1.0.0', '1.10.0', '1.9.0', '2.0.0', '1.10.0_build', 'v1.2'];
  expect(selectVersion(tags, '^1.0.0')).toMatch(/^1\.10\.0/);
  expect(selectVersion(tags, '>=3')).toBeUndefined();
});

test('an OCIRepository is read with digest before semver before tag, and its mistakes are named', () => {
  const spec = { url: 'oci://h.example/a', interval: '1m' };
  const kinds = [
    {},
    { tag: 't' },
    { tag: 't', semver: '1.x' },
    { semver: '1.x', digest: `sha256:${'a'.repeat(64)}` },
  ].map((ref) => {
    const parsed = parseOciSourceSpec({ ...spec, ref });
    return parsed.ok && `${parsed.value.ref.kind} ${parsed.value.ref.value.slice(0, 6)}`;
  });
  expect(kinds).toEqual(['tag latest', 'tag t', 'semver 1.x', 'digest sha256']);
  const bad = parseOciSourceSpec({ url: 'https://x', verify: {}, ref: { semver: 'nope' } });
  expect(bad.ok ? [] : bad.problems.map(({ path }) => path)).toEqual([
    'spec.url',
    'spec.verify',
    'spec.interval',
    'spec.ref.semver',
  ]);
});

const now = '2026-01-01T00:00:00Z';
const condition = (type: string, status: Condition['status'], reason: string, observedGeneration = 1) =>
  ({ type, status, reason, message: reason, observedGeneration }) as const;
const conditions = (...all: ReturnType<typeof condition>[]): readonly Condition[] =>
  all.reduce<readonly Condition[]>((sum, one) => setCondition(sum, one, now), []);

test.for<[string, readonly Condition[], boolean, string]>([
  ['the release alone', conditions(condition('Released', 'True', 'InstallSucceeded')), true, 'True InstallSucceeded'],
  [
    'tests over the release',
    conditions(condition('Released', 'True', 'A'), condition('TestSuccess', 'False', 'TestFailed')),
    true,
    'False TestFailed',
  ],
  [
    'tests that do not count',
    conditions(condition('Released', 'True', 'A'), condition('TestSuccess', 'False', 'TestFailed')),
    false,
    'True A',
  ],
  [
    'a remediation, never ready',
    conditions(condition('Released', 'False', 'A'), condition('Remediated', 'True', 'RollbackSucceeded')),
    true,
    'False RollbackSucceeded',
  ],
  [
    'the newer generation',
    conditions(condition('Released', 'True', 'A', 2), condition('Remediated', 'True', 'B', 1)),
    true,
    'True A',
  ],
])('Ready sums up %s', ([, given, testCounts, want]) => {
  const ready = summarizeReady(given, { generation: 2, testCounts, now }).find(({ type }) => type === 'Ready');
  expect(`${ready?.status} ${ready?.reason}`).toBe(want);
});

test('what is as wanted again is healed, and nothing changes when all is well', () => {
  const facts = { generation: 1, message: 'm', tested: true, now };
  const sick = conditions(
    condition('Released', 'False', 'InstallFailed'),
    condition('TestSuccess', 'False', 'TestFailed'),
    condition('Stalled', 'True', 'x'),
    condition('Remediated', 'True', 'y'),
  );
  const healed = healConditions(sick, facts);
  expect(healed.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual([
    'Released True InstallSucceeded',
    'TestSuccess True TestSucceeded',
  ]);
  expect(healConditions(healed, facts)).toBe(healed);
});
