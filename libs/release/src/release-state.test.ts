import type { ReleaseSnapshot } from '@sluice/model';
import { expect, test } from 'vitest';
import { configDigest } from './digest.ts';
import type { DesiredRelease, RecordedRelease } from './recorded-release.ts';
import { determineState, type StateInput } from './release-state.ts';
import { makeRecord, makeSnapshot, testSha256 as sha256 } from './testing.ts';

const desired: DesiredRelease = {
  name: 'demo',
  namespace: 'apps',
  chartName: 'demo',
  chartVersion: '1.0.0',
  configDigest: configDigest({}, sha256),
};
const hook = { name: 't', kind: 'Pod', path: 't.yaml', manifest: 'x', events: ['test'] };
const deployed = makeRecord();
const failed = makeRecord({ status: 'failed' });
const tested = (phases: Record<string, string | undefined>): Partial<ReleaseSnapshot> => ({
  testHooks: Object.fromEntries(Object.entries(phases).map(([name, phase]) => [name, phase ? { phase } : {}])),
});

const cases: {
  name: string;
  records: RecordedRelease[];
  history?: ReleaseSnapshot[];
  more?: Partial<StateInput>;
  want: string;
}[] = [
  { name: 'in-sync', records: [deployed], history: [makeSnapshot(deployed)], want: 'InSync' },
  { name: 'none in storage', records: [], want: 'Absent' },
  { name: 'disappeared', records: [], history: [makeSnapshot(deployed)], want: 'Absent' },
  { name: 'existing without snapshot', records: [deployed], want: 'Unmanaged' },
  { name: 'existing without snapshot, uninstalled', records: [makeRecord({ status: 'uninstalled' })], want: 'Absent' },
  {
    name: 'unparsable digest',
    records: [deployed],
    history: [makeSnapshot(deployed, { digest: 'nonsense' })],
    want: 'Unmanaged',
  },
  {
    name: 'digest mismatch',
    records: [makeRecord({ manifest: 'tampered' })],
    history: [makeSnapshot(deployed)],
    want: 'Unmanaged',
  },
  {
    name: 'upgraded outside of us',
    records: [makeRecord({ version: 2 }), makeRecord({ status: 'superseded' })],
    history: [makeSnapshot(deployed)],
    want: 'Unmanaged',
  },
  {
    name: 'snapshot of another format is not compared',
    records: [deployed],
    history: [makeSnapshot(deployed, { apiVersion: 'v2', digest: 'sha256:other' })],
    want: 'InSync',
  },
  { name: 'pending install', records: [makeRecord({ status: 'pending-install' })], want: 'Locked' },
  {
    name: 'pending upgrade',
    records: [makeRecord({ status: 'pending-upgrade' })],
    history: [makeSnapshot(deployed)],
    want: 'Locked',
  },
  { name: 'pending rollback', records: [makeRecord({ status: 'pending-rollback' })], want: 'Locked' },
  {
    name: 'a stale uninstalling is unlocked too',
    records: [makeRecord({ status: 'uninstalling' })],
    history: [makeSnapshot(deployed)],
    want: 'Locked',
  },
  { name: 'failed', records: [failed], history: [makeSnapshot(failed)], want: 'Failed' },
  {
    name: 'uninstalled with snapshot',
    records: [makeRecord({ status: 'uninstalled' })],
    history: [makeSnapshot(makeRecord({ status: 'uninstalled' }))],
    want: 'Absent',
  },
  {
    name: 'chart name changed',
    records: [deployed],
    history: [makeSnapshot(deployed)],
    more: { desired: { ...desired, chartName: 'other' } },
    want: 'OutOfSync',
  },
  {
    name: 'chart version changed',
    records: [deployed],
    history: [makeSnapshot(deployed)],
    more: { desired: { ...desired, chartVersion: '1.0.1' } },
    want: 'OutOfSync',
  },
  {
    name: 'values changed',
    records: [deployed],
    history: [makeSnapshot(deployed)],
    more: { desired: { ...desired, configDigest: 'sha256:x' } },
    want: 'OutOfSync',
  },
  {
    name: 'what superseded the latest is gone',
    records: [makeRecord({ status: 'superseded' })],
    history: [makeSnapshot(makeRecord({ status: 'superseded' }))],
    want: 'OutOfSync',
  },
  {
    name: 'untested',
    records: [deployed],
    history: [makeSnapshot(deployed)],
    more: { test: { ignoreFailures: false } },
    want: 'Untested',
  },
  {
    name: 'incomplete test result',
    records: [deployed],
    history: [makeSnapshot(deployed, tested({ a: 'Succeeded', b: undefined }))],
    more: { test: { ignoreFailures: false } },
    want: 'Untested',
  },
  {
    name: 'no test hooks at all',
    records: [deployed],
    history: [makeSnapshot(deployed, tested({}))],
    more: { test: { ignoreFailures: false } },
    want: 'InSync',
  },
  {
    name: 'failed test',
    records: [deployed],
    history: [makeSnapshot(deployed, tested({ a: 'Failed' }))],
    more: { test: { ignoreFailures: false } },
    want: 'Failed',
  },
  {
    name: 'failed test with other hooks not started',
    records: [deployed],
    history: [makeSnapshot(deployed, tested({ a: 'Failed', b: undefined }))],
    more: { test: { ignoreFailures: false } },
    want: 'Failed',
  },
  {
    name: 'failed test ignored',
    records: [deployed],
    history: [makeSnapshot(deployed, tested({ a: 'Failed' }))],
    more: { test: { ignoreFailures: true } },
    want: 'InSync',
  },
  {
    name: 'failed test not run by us',
    records: [deployed],
    history: [makeSnapshot(deployed, tested({ a: 'Failed' }))],
    more: { test: { ignoreFailures: false }, attempted: false },
    want: 'InSync',
  },
  {
    name: 'test hooks do not count as tampering',
    records: [makeRecord({ hooks: [{ ...hook, lastRun: { phase: 'Succeeded' } }] })],
    history: [makeSnapshot(makeRecord({ hooks: [hook] }))],
    want: 'InSync',
  },
  {
    name: 'post-renderers changed',
    records: [deployed],
    history: [makeSnapshot(deployed)],
    more: { renderingChanged: 'post-renderers changed', drifted: true },
    want: 'OutOfSync',
  },
  { name: 'drifted', records: [deployed], history: [makeSnapshot(deployed)], more: { drifted: true }, want: 'Drifted' },
  {
    name: 'drift counts only in sync',
    records: [deployed],
    history: [makeSnapshot(deployed)],
    more: { drifted: true, desired: { ...desired, configDigest: 'x' } },
    want: 'OutOfSync',
  },
  {
    name: 'unknown status',
    records: [makeRecord({ status: 'unknown' })],
    history: [makeSnapshot(makeRecord({ status: 'unknown' }))],
    want: 'Unknown',
  },
];

test.for(cases)('$name: $want', ({ records, history = [], more = {}, want }) => {
  expect(determineState({ records, history, desired, attempted: true, sha256, ...more }).kind).toBe(want);
});
