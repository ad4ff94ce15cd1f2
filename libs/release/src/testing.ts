import type { HelmReleaseSpec, ReleaseSnapshot } from '@sluice/model';
import type { RecordedHook, RecordedRelease } from './recorded-release.ts';
import { parseReleaseSpec, type ReleasePlan } from './release-plan.ts';
import { takeSnapshot } from './history.ts';
import { configDigest, type Sha256 } from './digest.ts';

/** A stand-in for sha256 that is quick and good enough for tests: equal texts and only those are equal. */
export const testSha256: Sha256 = (text) => {
  let hash = 0xcbf29ce484222325n;
  for (const character of text)
    hash = ((hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, '0').repeat(4);
};

/** A release record; `values` are what it was deployed with. */
export function makeRecord(
  options: {
    version?: number;
    status?: string;
    chart?: string;
    chartVersion?: string;
    values?: Record<string, string>;
    manifest?: string;
    hooks?: readonly RecordedHook[];
  } = {},
): RecordedRelease {
  const {
    version = 1,
    status = 'deployed',
    chart = 'demo',
    chartVersion = '1.0.0',
    values = {},
    manifest = 'm',
    hooks = [],
  } = options;
  return {
    name: 'demo',
    namespace: 'apps',
    version,
    status,
    firstDeployed: '2026-01-01T00:00:00Z',
    lastDeployed: `2026-01-01T00:00:0${version % 10}Z`,
    chart: { name: chart, version: chartVersion, metadata: { name: chart, version: chartVersion } },
    config: values,
    manifest,
    hooks,
  };
}

/** The snapshot of a record as we take it. */
export function makeSnapshot(record: RecordedRelease, change: Partial<ReleaseSnapshot> = {}): ReleaseSnapshot {
  const facts = { action: 'upgrade', configDigest: configDigest(record.config, testSha256) };
  return { ...takeSnapshot(record, facts, testSha256), ...change };
}

/** A plan with defaults and these fields of the spec. */
export function makePlan(spec: Partial<HelmReleaseSpec> = {}): ReleasePlan {
  const parsed = parseReleaseSpec({
    interval: '1m',
    chartRef: { kind: 'OCIRepository', name: 'demo' },
    ...spec,
  } as HelmReleaseSpec);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}
