import type { JsonObject, Problem, Result } from '@sluice/model';
import { isVersionRange } from './select-version.ts';
import { SpecReader } from './spec-reader.ts';

/** An OCIRepository spec with defaults filled in. Of `digest`, `semver` and `tag` the first that is given counts. */
export type OciSourcePlan = {
  readonly repository: string;
  readonly ref: { readonly kind: 'digest' | 'semver' | 'tag'; readonly value: string };
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly insecure: boolean;
  readonly mediaType?: string;
  readonly secretName?: string;
};

/** Read an OCIRepository spec; fields that are wrong, unknown or not supported yet are named. */
export function parseOciSourceSpec(spec: JsonObject): Result<OciSourcePlan> {
  const problems: Problem[] = [];
  const reader = new SpecReader(spec, 'spec', problems);
  const url = reader.text('url') ?? '';
  if (!/^oci:\/\/[^\s@]+$/.test(url))
    reader.refuse('url', 'must begin with oci:// and have no digest', 'for example oci://ghcr.io/acme/charts/app');
  const secret = reader.object('secretRef');
  const secretName = secret.text('name');
  secret.close();
  const provider = reader.choice('provider', ['generic', 'aws', 'azure', 'gcp']);
  if (provider && provider !== 'generic') reader.unsupported('provider', 'use generic with a secretRef');
  for (const key of ['verify', 'certSecretRef', 'proxySecretRef', 'serviceAccountName', 'ignore'])
    reader.unsupported(key, 'leave it out');
  reader.boolean('suspend');
  const intervalMs = reader.durationMs('interval');
  if (!reader.has('interval')) reader.refuse('interval', 'is missing', 'for example 5m');
  const mediaType = readLayer(reader.object('layerSelector'));
  const plan: OciSourcePlan = {
    repository: url.replace(/^oci:\/\//, ''),
    ref: readRef(reader.object('ref')),
    intervalMs: Math.max(1_000, intervalMs ?? 0),
    timeoutMs: reader.durationMs('timeout') ?? 60_000,
    insecure: reader.boolean('insecure') ?? false,
    ...(mediaType ? { mediaType } : {}),
    ...(secretName ? { secretName } : {}),
  };
  reader.close();
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: plan };
}

function readRef(reader: SpecReader): OciSourcePlan['ref'] {
  const digest = reader.text('digest');
  const semver = reader.text('semver');
  const tag = reader.text('tag');
  reader.unsupported('semverFilter', 'narrow ref.semver instead');
  reader.close();
  if (digest && !/^sha256:[0-9a-f]{64}$/.test(digest)) reader.refuse('digest', 'must be sha256:<64 hex digits>');
  if (semver && !isVersionRange(semver))
    reader.refuse('semver', `"${semver.slice(0, 100)}" is not a version range`, 'for example ^1.2.0');
  if (digest) return { kind: 'digest', value: digest };
  return semver ? { kind: 'semver', value: semver } : { kind: 'tag', value: tag ?? 'latest' };
}

function readLayer(reader: SpecReader): string | undefined {
  const mediaType = reader.text('mediaType');
  reader.choice('operation', ['extract', 'copy']);
  reader.close();
  return mediaType;
}
