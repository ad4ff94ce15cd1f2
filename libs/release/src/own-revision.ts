import type { HelmReleaseStatus, ReleaseSnapshot } from '@sluice/model';
import { canonicalJson, configDigest, type Sha256 } from './digest.ts';
import { matchesRecord, type SnapshotFacts } from './history.ts';
import type { DesiredRelease, RecordedRelease } from './recorded-release.ts';

/**
 * The facts of the latest revision when it is one that we began but never noted, because the operator was killed: it follows the
 * newest snapshot directly and is either the attempt that the status announces or a copy of an older good revision (a rollback).
 * undefined for anybody else's revision.
 */
export function recognizeOwnRevision(
  records: readonly RecordedRelease[],
  history: readonly ReleaseSnapshot[],
  status: HelmReleaseStatus,
  sha256: Sha256,
): SnapshotFacts | undefined {
  const [latest] = records;
  const [newest] = history;
  const action = status.lastAttemptedReleaseAction;
  if (!latest || !action || latest.version !== (newest?.version ?? 0) + 1) return undefined;
  const announced =
    latest.chart.version === status.lastAttemptedRevision &&
    configDigest(latest.config, sha256) === status.lastAttemptedConfigDigest;
  if (announced) {
    const ociDigest = status.lastAttemptedRevisionDigest;
    return { action, configDigest: status.lastAttemptedConfigDigest ?? '', ...(ociDigest ? { ociDigest } : {}) };
  }
  for (const snapshot of history.slice(1)) {
    const record = records.find(({ version }) => version === snapshot.version);
    if (!record || !matchesRecord(snapshot, record, sha256) || !isCopy(latest, record)) continue;
    const { configDigest: digest, ociDigest } = snapshot;
    return { action: 'rollback', configDigest: digest, ...(ociDigest ? { ociDigest } : {}) };
  }
  return undefined;
}

/**
 * True when an abandoned record may be removed instead of being marked failed, so that the same operation takes its number
 * again: what it began to apply is what would be applied next, so nothing is left over.
 */
export function isRepeatable(latest: RecordedRelease, desired: DesiredRelease, sha256: Sha256): boolean {
  if (!/^pending-(?:install|upgrade)$/.test(latest.status)) return latest.status === 'pending-rollback';
  const sameChart = latest.chart.name === desired.chartName && latest.chart.version === desired.chartVersion;
  return sameChart && configDigest(latest.config, sha256) === desired.configDigest;
}

function isCopy(a: RecordedRelease, b: RecordedRelease): boolean {
  const same = a.chart.name === b.chart.name && a.chart.version === b.chart.version && a.manifest === b.manifest;
  return same && canonicalJson(a.config) === canonicalJson(b.config);
}
