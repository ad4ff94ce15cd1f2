import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile } from './compile.ts';
import { combinationsOf, expandMatrix } from './expand-matrix.ts';
import type { Step } from './pipeline.ts';
import { makeContext, makePipeline } from './testing.ts';

const makeStep = (name: string, changes: Partial<Step> = {}): Step =>
  ({
    name,
    kind: 'run',
    run: 'true',
    needs: [],
    env: {},
    secrets: {},
    matrix: {},
    services: {},
    retry: 0,
    ...changes,
  }) as Step;

test('a step becomes one for each combination, and what needs it needs all of them', () => {
  const matrix = { NODE: ['20', '24'], OS: ['Linux', 'mac os'] };
  const steps = expandMatrix([
    makeStep('lint'),
    makeStep('test', { matrix, env: { CI_X: '1' } }),
    makeStep('all', { needs: ['lint', 'test'] }),
  ]);
  const names = ['test-20-linux', 'test-20-mac-os', 'test-24-linux', 'test-24-mac-os'];
  expect(steps.map(({ name }) => name)).toEqual(['lint', ...names, 'all']);
  expect(steps[2]?.env).toEqual({ CI_X: '1', NODE: '20', OS: 'mac os' });
  expect(steps.at(-1)?.needs).toEqual(['lint', ...names]);
});

test('names are different and short, whatever the values are', () => {
  const values = fc.array(fc.string({ maxLength: 80 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(values, values, (a, b) => {
      const matrix = { A: a, B: b };
      const names = expandMatrix([makeStep('test', { matrix }), makeStep('test-2')]).map(({ name }) => name);
      expect(new Set(names).size).toBe(combinationsOf({ matrix }) + 1);
      for (const name of names) expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    }),
  );
});

const pipeline = makePipeline(`apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: {} }
  concurrency: { group: deploys, per: repository }
  steps:
    - { name: test, run: npm test, matrix: { NODE: [20, 24] }, services: { db: { image: 'postgres:17', env: { A: b } } } }
    - { name: done, run: 'true', needs: [test] }
`);

test('a compiled matrix is tasks of the DAG, a service a native sidecar, a group a lock and a label', () => {
  const { metadata, spec } = compile(pipeline, makeContext());
  const templates = spec['templates'] as unknown as [
    { dag: { tasks: { name: string; dependencies?: string[] }[] } },
    ...{ name: string; initContainers?: unknown }[],
  ];
  expect(templates[0].dag.tasks.map(({ name }) => name)).toEqual(['checkout', 'test-20', 'test-24', 'done']);
  expect(templates[0].dag.tasks[3]?.dependencies).toEqual(['test-20', 'test-24']);
  expect(templates[2]).toMatchObject({
    name: 'test-20',
    initContainers: [{ name: 'db', image: 'postgres:17', restartPolicy: 'Always', env: [{ name: 'A', value: 'b' }] }],
  });
  const group = metadata.labels?.['sluice.dev/concurrency'];
  expect(group).toMatch(/^deploys-[0-9a-f]{16}$/);
  expect(spec['synchronization']).toEqual({ mutexes: [{ name: group }] });
  expect(compile(pipeline, makeContext({ ref: 'refs/heads/other' })).metadata.labels?.['sluice.dev/concurrency']).toBe(
    group,
  );
});
