import type { HelmRelease, JsonObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { buildHelmChart, chartReferenceOf } from './chart-template.ts';
import { parseGitSourceSpec, parseHelmChartSpec, parseHelmRepositorySpec } from './source-plans.ts';
import { makePlan } from './testing.ts';

type Parse = (spec: JsonObject) => { readonly ok: boolean; readonly problems?: readonly { readonly path?: string }[] };
const git = { url: 'https://a/b.git', interval: '1m' };
const chart = { chart: 'demo', interval: '1m', sourceRef: { kind: 'HelmRepository', name: 'a' } };
const commit = 'a'.repeat(40);

const cases: { name: string; parse: Parse; spec: JsonObject; paths?: string[] }[] = [
  { name: 'a plain git repository', parse: parseGitSourceSpec, spec: git },
  { name: 'git over ssh', parse: parseGitSourceSpec, spec: { ...git, url: 'ssh://git@a/b' }, paths: ['spec.url'] },
  {
    name: 'a password in the url',
    parse: parseGitSourceSpec,
    spec: { ...git, url: 'https://u:p@a/b' },
    paths: ['spec.url'],
  },
  {
    name: 'a short commit',
    parse: parseGitSourceSpec,
    spec: { ...git, ref: { commit: 'abc' } },
    paths: ['spec.ref.commit'],
  },
  {
    name: 'a ref that is an option',
    parse: parseGitSourceSpec,
    spec: { ...git, ref: { branch: '--x' } },
    paths: ['spec.ref.branch'],
  },
  {
    name: 'submodules',
    parse: parseGitSourceSpec,
    spec: { ...git, recurseSubmodules: true },
    paths: ['spec.recurseSubmodules'],
  },
  { name: 'no submodules', parse: parseGitSourceSpec, spec: { ...git, recurseSubmodules: false } },
  { name: 'a plain chart', parse: parseHelmChartSpec, spec: chart },
  {
    name: 'a chart out of a bucket',
    parse: parseHelmChartSpec,
    spec: { ...chart, sourceRef: { kind: 'Bucket', name: 'a' } },
    paths: ['spec.sourceRef.kind'],
  },
  {
    name: 'a signed chart',
    parse: parseHelmChartSpec,
    spec: { ...chart, verify: { provider: 'cosign' } },
    paths: ['spec.verify'],
  },
  {
    name: 'a version that is none',
    parse: parseHelmChartSpec,
    spec: { ...chart, version: 'new' },
    paths: ['spec.version'],
  },
  { name: 'a chart repository', parse: parseHelmRepositorySpec, spec: { url: 'https://a/' } },
  { name: 'oci without its type', parse: parseHelmRepositorySpec, spec: { url: 'oci://a/b' }, paths: ['spec.url'] },
  {
    name: 'a cloud provider',
    parse: parseHelmRepositorySpec,
    spec: { url: 'oci://a/b', type: 'oci', provider: 'aws' },
    paths: ['spec.provider'],
  },
];

test.for(cases)('$name: refused are $paths', ({ parse, spec, paths = [] }) => {
  const parsed = parse(spec);
  expect(parsed.ok ? [] : parsed.problems?.map(({ path }) => path)).toEqual(paths);
});

test('of the ways to name a commit the most exact one counts', () => {
  const refOf = (ref: JsonObject) => {
    const parsed = parseGitSourceSpec({ ...git, ref });
    return parsed.ok && `${parsed.value.ref.kind} ${parsed.value.ref.value}`;
  };
  expect(refOf({})).toBe('branch master');
  expect(refOf({ branch: 'main', tag: 'v1' })).toBe('tag v1');
  expect(refOf({ branch: 'main', tag: 'v1', semver: '1.x' })).toBe('semver 1.x');
  expect(refOf({ commit, name: 'refs/pull/1/head', branch: 'main' })).toBe(`commit ${commit}`);
});

test('a chart template becomes a HelmChart beside its source, with the labels of its release', () => {
  const sourceRef = { kind: 'GitRepository', name: 'code', namespace: 'flux' };
  const spec = {
    interval: '5m',
    chart: { metadata: { labels: { a: 'b' } }, spec: { chart: './chart', sourceRef } },
    chartRef: undefined,
  };
  const { source } = makePlan(spec as unknown as JsonObject);
  const release: HelmRelease = {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'demo', namespace: 'apps' },
  };
  if (source.kind !== 'ChartTemplate') throw new Error('it is not a template');
  expect(chartReferenceOf(release, source)).toEqual({ kind: 'HelmChart', name: 'apps-demo', namespace: 'flux' });
  expect(buildHelmChart(release, source)).toMatchObject({
    metadata: { name: 'apps-demo', namespace: 'flux', labels: { a: 'b', 'helm.toolkit.fluxcd.io/name': 'demo' } },
    spec: {
      chart: './chart',
      version: '*',
      interval: '5m',
      reconcileStrategy: 'Revision',
      sourceRef: { kind: 'GitRepository', name: 'code' },
    },
  });
});
