import type { JsonObject, ReleaseSnapshot } from '@sluice/model';
import { isTestHook, recordDigest, type Sha256 } from './digest.ts';
import type { RecordedHook, RecordedRelease } from './recorded-release.ts';

/**
 * Format of our snapshots. Another value in a snapshot (a migrated release) means that its digest was made by other rules and
 * cannot be compared; such a snapshot counts as matching.
 */
export const snapshotApiVersion = 'sluice.dev/v1';

export type SnapshotFacts = { readonly action: string; readonly configDigest: string; readonly ociDigest?: string };

/** The snapshot of a record that we have just written. */
export function takeSnapshot(record: RecordedRelease, facts: SnapshotFacts, sha256: Sha256): ReleaseSnapshot {
  const { name, namespace, version, status, firstDeployed, lastDeployed, deleted, chart } = record;
  return {
    apiVersion: snapshotApiVersion,
    digest: recordDigest(record, facts.ociDigest, sha256),
    name,
    namespace,
    version,
    status,
    action: facts.action,
    chartName: chart.name,
    chartVersion: chart.version,
    ...(chart.appVersion ? { appVersion: chart.appVersion } : {}),
    configDigest: facts.configDigest,
    firstDeployed,
    lastDeployed,
    ...(deleted ? { deleted } : {}),
    ...(facts.ociDigest ? { ociDigest: facts.ociDigest } : {}),
  };
}

/** True when the record is what the snapshot says, whoever wrote it last. */
export function matchesRecord(snapshot: ReleaseSnapshot, record: RecordedRelease | undefined, sha256: Sha256): boolean {
  if (!record || record.version !== snapshot.version || record.name !== snapshot.name) return false;
  if (record.namespace !== snapshot.namespace) return false;
  if (snapshot.apiVersion !== snapshotApiVersion) return true;
  return recordDigest(record, snapshot.ociDigest, sha256) === snapshot.digest;
}

/**
 * Bring snapshots up to date with records of which an operation of ours has changed only the status (superseded, failed after an
 * unlock, uninstalled). A record that differs in anything else keeps its old snapshot and so shows as altered.
 */
export function refreshHistory(
  history: readonly ReleaseSnapshot[],
  records: readonly RecordedRelease[],
  sha256: Sha256,
): readonly ReleaseSnapshot[] {
  return history.map((snapshot) => {
    const record = records.find(({ version }) => version === snapshot.version);
    if (!record || record.status === snapshot.status) return snapshot;
    if (!matchesRecord(snapshot, { ...record, status: snapshot.status }, sha256)) return snapshot;
    const digest =
      snapshot.apiVersion === snapshotApiVersion ? recordDigest(record, snapshot.ociDigest, sha256) : snapshot.digest;
    return { ...snapshot, status: record.status, digest, ...(record.deleted ? { deleted: record.deleted } : {}) };
  });
}

/** Put a snapshot at its place: it replaces the one of the same revision, newest first. */
export function addSnapshot(
  history: readonly ReleaseSnapshot[],
  snapshot: ReleaseSnapshot,
): readonly ReleaseSnapshot[] {
  return [snapshot, ...history.filter(({ version }) => version !== snapshot.version)].sort(
    (a, b) => b.version - a.version,
  );
}

/** With the results of `helm test` in the newest snapshot. Hooks that did not run are listed without a phase. */
export function withTestResults(
  history: readonly ReleaseSnapshot[],
  hooks: readonly RecordedHook[],
): readonly ReleaseSnapshot[] {
  const [newest, ...older] = history;
  if (!newest) return history;
  const testHooks: Record<string, JsonObject> = {};
  for (const hook of hooks.filter(isTestHook)) {
    const { phase, startedAt, completedAt } = hook.lastRun ?? {};
    testHooks[hook.name] = {
      ...(phase ? { phase } : {}),
      ...(startedAt ? { lastStarted: startedAt } : {}),
      ...(completedAt ? { lastCompleted: completedAt } : {}),
    };
  }
  return [{ ...newest, testHooks }, ...older];
}

/** What the tests of a revision said. A failed hook is a result although others did not run; no hooks at all are a success. */
export function testResult(snapshot: ReleaseSnapshot): 'none' | 'incomplete' | 'succeeded' | 'failed' {
  if (!snapshot.testHooks) return 'none';
  const phases = Object.values(snapshot.testHooks).map((hook) => (hook as JsonObject)['phase']);
  if (phases.includes('Failed')) return 'failed';
  return phases.every((phase) => phase === 'Succeeded') ? 'succeeded' : 'incomplete';
}

/** The newest older snapshot that was good: deployed or superseded and, unless ignored, without a failed test. */
export function previousGood(
  history: readonly ReleaseSnapshot[],
  ignoreTestFailures: boolean,
): ReleaseSnapshot | undefined {
  return history.slice(1).find((snapshot) => {
    const good = snapshot.status === 'deployed' || snapshot.status === 'superseded';
    return good && (ignoreTestFailures || testResult(snapshot) !== 'failed');
  });
}

const longest = 5;

/** In sync: up to and including the previous good snapshot; otherwise at most five. */
export function truncateHistory(
  history: readonly ReleaseSnapshot[],
  { inSync, ignoreTestFailures }: { readonly inSync: boolean; readonly ignoreTestFailures: boolean },
): readonly ReleaseSnapshot[] {
  if (!inSync) return history.slice(0, longest);
  const previous = previousGood(history, ignoreTestFailures);
  return previous ? history.slice(0, history.indexOf(previous) + 1) : history.slice(0, longest);
}
