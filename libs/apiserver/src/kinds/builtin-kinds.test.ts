import type { KubeObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { applyDefaults } from '../schema/defaults.ts';
import { unknownFields } from '../schema/prune.ts';
import { validateObject } from '../schema/validate.ts';
import { formatAge } from './age.ts';
import { builtinKinds } from './builtin-kinds.ts';
import { groupVersionOf, type KindInfo } from './kind.ts';
import { podReason } from './pod-columns.ts';

const kindOf = (name: string): KindInfo => {
  const kind = builtinKinds.find((item) => item.kind === name);
  if (!kind) throw new Error(`no kind ${name}`);
  return kind;
};

const deployment = (spec: object): KubeObject =>
  ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n' }, spec }) as KubeObject;
const good = {
  selector: { matchLabels: { app: 'd' } },
  template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } },
};

test('no two kinds share a group, version and plural', () => {
  const keys = builtinKinds.map((kind) => `${groupVersionOf(kind)}/${kind.plural}`);
  expect(new Set(keys).size).toBe(keys.length);
});

test('every kind prints an empty object', () => {
  for (const kind of builtinKinds) {
    const object = { apiVersion: groupVersionOf(kind), kind: kind.kind, metadata: { name: 'x' } };
    for (const { cell } of kind.columns) expect(() => cell(object, 0)).not.toThrow();
  }
});

test('a complete deployment is valid once its defaults are in', () => {
  const complete = applyDefaults(kindOf('Deployment'), deployment(good));
  expect(complete.spec).toMatchObject({
    replicas: 1,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: { spec: { restartPolicy: 'Always', containers: [{ imagePullPolicy: 'IfNotPresent' }] } },
  });
  expect(validateObject(kindOf('Deployment'), complete)).toEqual([]);
  expect(unknownFields(kindOf('Deployment'), complete)).toEqual([]);
});

test.for([
  {
    name: 'a selector that picks other pods',
    spec: { ...good, selector: { matchLabels: { app: 'x' } } },
    field: 'spec.template.metadata.labels',
  },
  {
    name: 'a container without a name',
    spec: { ...good, template: { ...good.template, spec: { containers: [{ image: 'i' }] } } },
    field: 'spec.template.spec.containers[0].name',
  },
  { name: 'text for a number', spec: { ...good, replicas: 'two' }, field: 'spec.replicas' },
])('refuses $name', ({ spec, field }) => {
  expect(validateObject(kindOf('Deployment'), deployment(spec)).map((cause) => cause.field)).toContain(field);
});

test('a pod that is being deleted is Terminating', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status: { phase: 'Running' } } as KubeObject;
  expect(podReason(pod)).toBe('Running');
  expect(podReason({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } })).toBe(
    'Terminating',
  );
});

test.for([
  [59_000, '59s'],
  [330_000, '5m30s'],
  [3 * 3_600_000, '3h'],
  [51 * 3_600_000, '2d3h'],
  [800 * 86_400_000, '2y70d'],
] as const)('%d milliseconds are %s', ([span, text]) => {
  expect(formatAge(span)).toBe(text);
});
