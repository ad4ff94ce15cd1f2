import type { KubeObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { describeDrift, detectDrift, isDriftIgnored, type DriftPlan } from './drift.ts';
import { parseReleaseSpec } from './release-plan.ts';

const matches = (selector: string, labels: Readonly<Record<string, string>>): boolean =>
  selector.split(',').every((term) => labels[term.split('=')[0] ?? ''] === term.split('=')[1]);

function deployment(replicas: number, more: object = {}, labels: Record<string, string> = { app: 'a' }): KubeObject {
  const metadata = { name: 'app', namespace: 'apps', labels, resourceVersion: String(Math.random()) };
  const containers = [
    { name: 'app', image: 'one' },
    { name: 'side', image: 'two' },
  ];
  const spec = { replicas, template: { spec: { containers } }, ...more };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec, status: { replicas } } as KubeObject;
}

type Ignore = DriftPlan['ignore'];
const cases: { name: string; live: KubeObject; wanted: KubeObject; ignore?: Ignore; want: string[] }[] = [
  { name: 'status, version and equal fields do not count', live: deployment(1), wanted: deployment(1), want: [] },
  { name: 'a changed field is replaced', live: deployment(3), wanted: deployment(1), want: ['replace /spec/replicas'] },
  {
    name: 'a field that went missing is added, one too many removed',
    live: deployment(1, { extra: 1 }),
    wanted: deployment(1, { paused: true }),
    want: ['remove /spec/extra', 'add /spec/paused'],
  },
  {
    name: 'keys with slashes are escaped',
    live: deployment(1, {}, { 'a/b': '1' }),
    wanted: deployment(1, {}, { 'a/b': '2' }),
    want: ['replace /metadata/labels/a~1b'],
  },
  {
    name: 'an ignored path does not count, nor does what lies below it',
    live: deployment(3),
    wanted: deployment(1),
    ignore: [{ paths: ['/spec'] }],
    want: [],
  },
  {
    name: 'a path that only the live object has can be ignored',
    live: deployment(1, { extra: 1 }),
    wanted: deployment(1),
    ignore: [{ paths: ['/spec/extra'] }],
    want: [],
  },
  {
    name: 'a rule for another kind does not count',
    live: deployment(3),
    wanted: deployment(1),
    ignore: [{ paths: ['/spec/replicas'], target: { kind: 'StatefulSet' } }],
    want: ['replace /spec/replicas'],
  },
  {
    name: 'a target names its objects by whole patterns and selectors',
    live: deployment(3),
    wanted: deployment(1),
    ignore: [{ paths: ['/spec/replicas'], target: { group: 'apps', name: 'a.*', labelSelector: 'app=a' } }],
    want: [],
  },
  {
    name: 'a pattern must match the whole name',
    live: deployment(3),
    wanted: deployment(1),
    ignore: [{ paths: ['/spec/replicas'], target: { name: 'ap' } }],
    want: ['replace /spec/replicas'],
  },
];

test.for(cases)('$name', ({ live, wanted, ignore = [], want }) => {
  expect(detectDrift(live, wanted, { ignore }, matches).map(({ op, path }) => `${op} ${path}`)).toEqual(want);
});

test('an image in a list is ignored by its index', () => {
  const live = deployment(1);
  const other = {
    containers: [
      { name: 'app', image: 'mine' },
      { name: 'side', image: 'two' },
    ],
  };
  const wanted = deployment(1, { template: { spec: other } });
  const ignore = [{ paths: ['/spec/template/spec/containers/0/image'] }];
  expect(detectDrift(live, wanted, { ignore }, matches)).toEqual([]);
  expect(detectDrift(live, wanted, { ignore: [] }, matches)).toHaveLength(1);
});

test('objects are taken out by a label or an annotation', () => {
  expect(isDriftIgnored(deployment(1))).toBe(false);
  expect(isDriftIgnored(deployment(1, {}, { 'helm.toolkit.fluxcd.io/driftDetection': 'disabled' }))).toBe(true);
});

test('drift is told with paths and without values', () => {
  const object = deployment(1);
  const operations = [{ op: 'replace', path: '/data/password', value: 'hunter2' }] as const;
  const text = describeDrift([
    { object, missing: false, operations },
    { object, missing: true, operations: [] },
  ]);
  expect(text).toBe('Deployment/apps/app differs: replace /data/password\nDeployment/apps/app is missing');
});

test('rules that cannot be read are refused', () => {
  const driftDetection = { mode: 'warn', ignore: [{ paths: ['spec'], target: { name: '(' } }] };
  const parsed = parseReleaseSpec({ interval: '1m', chartRef: { kind: 'HelmChart', name: 'a' }, driftDetection });
  expect(parsed.ok ? [] : parsed.problems.map(({ path }) => path)).toEqual([
    'spec.driftDetection.ignore[0].paths',
    'spec.driftDetection.ignore[0].target.name',
  ]);
});
