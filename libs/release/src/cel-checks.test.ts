import type { HelmReleaseSpec, KubeObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { CelFailure, healthCheckFor, judgeHealth } from './cel-checks.ts';
import { parseReleaseSpec } from './release-plan.ts';
import { makePlan } from './testing.ts';

const certificate = (status: object, generation = 1): KubeObject =>
  ({
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name: 'a', generation },
    status,
  }) as KubeObject;
const ready = (status: string) => `status.conditions.filter(c, c.type == 'Ready').all(c, c.status == '${status}')`;
const { healthChecks } = makePlan({
  healthCheckExprs: [
    {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      inProgress: "has(status.phase) && status.phase == 'Issuing'",
      failed: ready('False'),
      current: ready('True'),
    },
  ],
});
const [check] = healthChecks;

const cases: { name: string; status: object; generation?: number; want: string }[] = [
  { name: 'current when it says so', status: { conditions: [{ type: 'Ready', status: 'True' }] }, want: 'current' },
  { name: 'failed before current', status: { conditions: [{ type: 'Ready', status: 'False' }] }, want: 'failed' },
  { name: 'in progress before failed', status: { phase: 'Issuing', conditions: [] }, want: 'in progress' },
  { name: 'in progress while the fields are not there', status: {}, want: 'in progress' },
  {
    name: 'in progress while an older generation was observed',
    status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] },
    generation: 2,
    want: 'in progress',
  },
];

test.for(cases)('an object is $name', ({ status, generation, want }) => {
  expect(check && judgeHealth(check, certificate(status, generation))).toBe(want);
});

test('a check is found by group and kind, whatever the version', () => {
  expect(healthCheckFor(healthChecks, { ...certificate({}), apiVersion: 'cert-manager.io/v2' })).toBe(check);
  expect(healthCheckFor(healthChecks, { ...certificate({}), kind: 'Issuer' })).toBeUndefined();
});

test('what is not CEL, or names an unknown variable, is refused with its path', () => {
  const dependsOn = [
    { name: 'a', readyExpr: 'dep.status ==' },
    { name: 'b', readyExpr: 'other.x == 1' },
  ];
  const parsed = parseReleaseSpec({
    interval: '1m',
    chartRef: { kind: 'HelmChart', name: 'a' },
    dependsOn,
  } as HelmReleaseSpec);
  expect(parsed.ok ? [] : parsed.problems.map(({ path, code }) => `${code} ${path}`)).toEqual([
    'InvalidCELExpression spec.dependsOn[0].readyExpr',
    'InvalidCELExpression spec.dependsOn[1].readyExpr',
  ]);
});

test('readyExpr sees self and dep, and gives true or false or a failure', () => {
  const [dependency] = makePlan({
    dependsOn: [{ name: 'a', readyExpr: "dep.metadata.labels['v'] == self.metadata.labels['v']" }],
  } as Partial<HelmReleaseSpec>).dependsOn;
  const labelled = (v: string) => ({ metadata: { labels: { v } } });
  expect(dependency?.readyExpr?.evaluate({ self: labelled('1'), dep: labelled('1') })).toBe(true);
  expect(dependency?.readyExpr?.evaluate({ self: labelled('1'), dep: labelled('2') })).toBe(false);
  expect(() => dependency?.readyExpr?.evaluate({ self: {}, dep: {} })).toThrow(CelFailure);
});
