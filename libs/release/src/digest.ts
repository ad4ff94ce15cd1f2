import type { Json, JsonObject } from '@sluice/model';
import type { RecordedRelease } from './recorded-release.ts';

/** Hex sha256 of a text in UTF-8. An argument, because the core has no crypto of its own. */
export type Sha256 = (text: string) => string;

/** JSON with the keys of every object in order: equal values give equal texts. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as Json)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

/** `sha256:<hex>` of composed values. No values at all have the digest of nothing. */
export function configDigest(values: JsonObject, sha256: Sha256): string {
  return `sha256:${sha256(Object.keys(values).length === 0 ? '' : canonicalJson(values))}`;
}

/**
 * `sha256:<hex>` of all that a release record says about what was deployed. A record with another digest than its snapshot was
 * changed by somebody else. Test hooks are left out, because `helm test` rewrites them.
 */
export function recordDigest(record: RecordedRelease, ociDigest: string | undefined, sha256: Sha256): string {
  const { name, namespace, version, status, firstDeployed, lastDeployed, chart, config, manifest } = record;
  const hooks = record.hooks
    .filter((hook) => !isTestHook(hook))
    .map(({ name: hook, kind, path, manifest: text, events }) => ({ name: hook, kind, path, manifest: text, events }));
  const facts = {
    name,
    namespace,
    version,
    status,
    firstDeployed,
    lastDeployed,
    chart: chart.metadata,
    config,
    manifest,
    hooks,
  };
  return `sha256:${sha256(canonicalJson({ ...facts, ociDigest: ociDigest ?? null }))}`;
}

/** True for a hook that `helm test` runs. */
export function isTestHook(hook: { readonly events: readonly string[] }): boolean {
  return hook.events.includes('test');
}
