import type { ReleaseSnapshot } from '@sluice/model';
import type { Sha256 } from './digest.ts';
import { matchesRecord, testResult } from './history.ts';
import type { DesiredRelease, RecordedRelease } from './recorded-release.ts';

export type ReleaseStateKind =
  'Absent' | 'Drifted' | 'Failed' | 'InSync' | 'Locked' | 'OutOfSync' | 'Unknown' | 'Unmanaged' | 'Untested';

/** How a release compares with what is wanted, and why, for people. */
export type ReleaseState = { readonly kind: ReleaseStateKind; readonly reason: string };

export type StateInput = {
  /** Records of the release, newest first. */
  readonly records: readonly RecordedRelease[];
  /** Our snapshots, newest first. */
  readonly history: readonly ReleaseSnapshot[];
  readonly desired: DesiredRelease;
  /** Given when tests are enabled. `ignoreFailures` is that of the active remediation. */
  readonly test?: { readonly ignoreFailures: boolean };
  /** True when the last install or upgrade was an attempt of ours. */
  readonly attempted: boolean;
  /** Why the release would be rendered otherwise than it was, in a generation that was not handled yet. */
  readonly renderingChanged?: string;
  /** True when the cluster differs from the release's manifest. */
  readonly drifted?: boolean;
  readonly sha256: Sha256;
};

const pending = /^(?:pending-(?:install|upgrade|rollback)|uninstalling)$/;

/**
 * Compare a release with what is wanted. The first rule that fits wins. Callers make sure that no helm of theirs works on the
 * release, so a pending record is one that a killed helm left behind.
 */
export function determineState(input: StateInput): ReleaseState {
  const [latest] = input.records;
  const [newest] = input.history;
  if (!latest) return state('Absent', 'no release in storage');
  if (pending.test(latest.status)) return state('Locked', `revision ${latest.version} was left ${latest.status}`);
  if (!newest) {
    if (latest.status === 'uninstalled') return state('Absent', 'the release was uninstalled');
    return state('Unmanaged', 'the release was not made by this object');
  }
  if (!matchesRecord(newest, latest, input.sha256)) {
    return state('Unmanaged', `revision ${latest.version} is not the one made last, or was changed since`);
  }
  switch (latest.status) {
    case 'failed':
      return state('Failed', `revision ${latest.version} failed`);
    case 'uninstalled':
      return state('Absent', 'the release was uninstalled');
    case 'deployed':
      return compareDeployed(latest, newest, input);
    case 'superseded':
      return state('OutOfSync', `the revision that superseded ${latest.version} is gone`);
    default:
      return state('Unknown', `revision ${latest.version} has status ${latest.status}`);
  }
}

function compareDeployed(latest: RecordedRelease, newest: ReleaseSnapshot, input: StateInput): ReleaseState {
  const { desired, test, attempted, drifted, renderingChanged } = input;
  if (latest.chart.name !== desired.chartName) {
    return state('OutOfSync', `chart changed from ${latest.chart.name} to ${desired.chartName}`);
  }
  if (latest.chart.version !== desired.chartVersion) {
    return state('OutOfSync', `chart version changed from ${latest.chart.version} to ${desired.chartVersion}`);
  }
  if (newest.configDigest !== desired.configDigest) return state('OutOfSync', 'values changed');
  if (renderingChanged) return state('OutOfSync', renderingChanged);
  if (test) {
    const result = testResult(newest);
    if (result === 'none' || result === 'incomplete') return state('Untested', 'the release has not been tested');
    if (result === 'failed' && attempted && !test.ignoreFailures)
      return state('Failed', 'the release failed its tests');
  }
  if (drifted) return state('Drifted', 'the cluster differs from the release');
  return state('InSync', 'nothing to do');
}

function state(kind: ReleaseStateKind, reason: string): ReleaseState {
  return { kind, reason };
}
