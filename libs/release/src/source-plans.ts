import type { JsonObject, Problem, Result } from '@sluice/model';
import { isVersionRange } from './select-version.ts';
import { SpecReader } from './spec-reader.ts';

/** A HelmRepository spec with defaults filled in. */
export type HelmRepositoryPlan = {
  readonly type: 'default' | 'oci';
  /** Without a slash at the end. */
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly insecure: boolean;
  readonly passCredentials: boolean;
  readonly secretName?: string;
  readonly certSecretName?: string;
};

/** A HelmChart spec with defaults filled in. */
export type HelmChartPlan = {
  readonly chart: string;
  readonly version: string;
  readonly source: { readonly kind: 'HelmRepository' | 'GitRepository'; readonly name: string };
  readonly intervalMs: number;
  readonly reconcileStrategy: 'ChartVersion' | 'Revision';
  readonly valuesFiles: readonly string[];
  readonly ignoreMissingValuesFiles: boolean;
};

/** Which commit of a git repository: the first that is given of commit, name, semver, tag, branch. */
export type GitRefPlan = {
  readonly kind: 'commit' | 'name' | 'semver' | 'tag' | 'branch';
  readonly value: string;
};

/** A GitRepository spec with defaults filled in. */
export type GitSourcePlan = {
  readonly url: string;
  readonly ref: GitRefPlan;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly ignore?: string;
  readonly secretName?: string;
};

function finish<T>(reader: SpecReader, problems: readonly Problem[], value: T): Result<T> {
  reader.boolean('suspend');
  reader.close();
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value };
}

function nameOf(reader: SpecReader, key: string): string | undefined {
  const reference = reader.object(key);
  const name = reference.text('name');
  reference.close();
  if (reader.has(key) && !name) reader.refuse(key, 'has no name');
  return name;
}

function onlyGeneric(reader: SpecReader): void {
  const provider = reader.choice('provider', ['generic', 'aws', 'azure', 'gcp', 'github']);
  if (provider && provider !== 'generic') reader.unsupported('provider', 'use generic with a secretRef');
}

/** Read a HelmRepository spec; fields that are wrong, unknown or not supported yet are named. */
export function parseHelmRepositorySpec(spec: JsonObject): Result<HelmRepositoryPlan> {
  const problems: Problem[] = [];
  const reader = new SpecReader(spec, 'spec', problems);
  const url = (reader.text('url') ?? '').replace(/\/+$/, '');
  const type = reader.choice('type', ['default', 'oci']) ?? 'default';
  const fits = type === 'oci' ? /^oci:\/\/[^\s@]+$/ : /^https?:\/\/[^\s@]+$/;
  if (!fits.test(url))
    reader.refuse('url', type === 'oci' ? 'must begin with oci://' : 'must begin with http:// or https://');
  onlyGeneric(reader);
  reader.unsupported('accessFrom', 'leave it out; sources may be named from other namespaces');
  const secretName = nameOf(reader, 'secretRef');
  const certSecretName = nameOf(reader, 'certSecretRef');
  if (type === 'oci' && certSecretName) reader.unsupported('certSecretRef', 'leave it out for type oci');
  const plan: HelmRepositoryPlan = {
    type,
    url,
    intervalMs: Math.max(1_000, reader.durationMs('interval') ?? 300_000),
    timeoutMs: reader.durationMs('timeout') ?? 60_000,
    insecure: reader.boolean('insecure') ?? false,
    passCredentials: reader.boolean('passCredentials') ?? false,
    ...(secretName ? { secretName } : {}),
    ...(certSecretName ? { certSecretName } : {}),
  };
  return finish(reader, problems, plan);
}

/** Read a HelmChart spec; fields that are wrong, unknown or not supported yet are named. */
export function parseHelmChartSpec(spec: JsonObject): Result<HelmChartPlan> {
  const problems: Problem[] = [];
  const reader = new SpecReader(spec, 'spec', problems);
  const chart = reader.text('chart') ?? '';
  if (!chart) reader.refuse('chart', 'is missing', 'name the chart, or its path in a GitRepository');
  const reference = reader.object('sourceRef');
  const kind = reference.choice('kind', ['HelmRepository', 'GitRepository', 'Bucket']);
  const name = reference.text('name') ?? '';
  reference.text('apiVersion');
  reference.close();
  if (kind === 'Bucket') reference.refuse('kind', 'Bucket is not supported yet', 'use an OCIRepository');
  if (!kind || !name) reader.refuse('sourceRef', 'needs kind and name');
  const version = reader.text('version') ?? '*';
  if (kind === 'HelmRepository' && !isVersionRange(version))
    reader.refuse('version', `"${version.slice(0, 100)}" is not a version or a range of versions`, 'for example 1.x');
  reader.unsupported('verify', 'pin the chart by digest with an OCIRepository');
  const plan: HelmChartPlan = {
    chart,
    version,
    source: { kind: kind === 'GitRepository' ? kind : 'HelmRepository', name },
    intervalMs: Math.max(1_000, reader.durationMs('interval') ?? 300_000),
    reconcileStrategy: reader.choice('reconcileStrategy', ['ChartVersion', 'Revision']) ?? 'ChartVersion',
    valuesFiles: reader.texts('valuesFiles'),
    ignoreMissingValuesFiles: reader.boolean('ignoreMissingValuesFiles') ?? false,
  };
  return finish(reader, problems, plan);
}

/** Read a GitRepository spec; fields that are wrong, unknown or not supported yet are named. */
export function parseGitSourceSpec(spec: JsonObject): Result<GitSourcePlan> {
  const problems: Problem[] = [];
  const reader = new SpecReader(spec, 'spec', problems);
  const url = reader.text('url') ?? '';
  if (url.startsWith('ssh://')) reader.refuse('url', 'ssh is not supported yet', 'use https with a secretRef');
  else if (!/^https?:\/\/[^\s@]+$/.test(url))
    reader.refuse('url', 'must begin with http:// or https://', 'put the user and the password into a secretRef');
  onlyGeneric(reader);
  for (const key of ['include', 'recurseSubmodules', 'verify', 'proxySecretRef', 'serviceAccountName'])
    if (reader.value(key) !== false) reader.unsupported(key, 'leave it out');
  reader.unsupported('sparseCheckout', 'leave it out; ignore narrows the artifact');
  const secretName = nameOf(reader, 'secretRef');
  const ignore = reader.text('ignore');
  if (!reader.has('interval')) reader.refuse('interval', 'is missing', 'for example 5m');
  const plan: GitSourcePlan = {
    url,
    ref: readGitRef(reader.object('ref')),
    intervalMs: Math.max(1_000, reader.durationMs('interval') ?? 0),
    timeoutMs: reader.durationMs('timeout') ?? 60_000,
    ...(ignore === undefined ? {} : { ignore }),
    ...(secretName ? { secretName } : {}),
  };
  return finish(reader, problems, plan);
}

const refOrder = ['commit', 'name', 'semver', 'tag', 'branch'] as const;

function readGitRef(reader: SpecReader): GitRefPlan {
  const given = refOrder.map((kind) => ({ kind, value: reader.text(kind) ?? '' })).filter(({ value }) => value !== '');
  reader.close();
  const found = given[0] ?? { kind: 'branch' as const, value: 'master' };
  if (found.kind === 'commit' && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(found.value))
    reader.refuse('commit', 'must be a full commit id');
  if (found.kind === 'semver' && !isVersionRange(found.value)) reader.refuse('semver', 'is not a range of versions');
  if (found.kind === 'name' && !found.value.startsWith('refs/')) reader.refuse('name', 'must begin with refs/');
  if (!/^[^\s~^:?*[\\-][^\s~^:?*[\\]*$/.test(found.value) && found.kind !== 'semver')
    reader.refuse(found.kind, 'is not the name of a ref');
  return found;
}
