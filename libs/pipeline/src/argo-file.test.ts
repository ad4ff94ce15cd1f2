import { formatProblem, type Problem } from '@sluice/model';
import { expect, test } from 'vitest';
import { compile } from './compile.ts';
import { parsePipelines } from './parse-pipelines.ts';
import { makeContext } from './testing.ts';

const workflow = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: nightly-
  annotations:
    sluice.dev/on-push: main, release/*
    sluice.dev/on-tag: v*
    sluice.dev/on-pull-request: main
    sluice.dev/on-paths: src/**
spec:
  entrypoint: main
  templates:
    - name: main
      container: { image: busybox, command: [env], env: [{ name: SLUICE_SHA, value: mine }] }
    - name: pair
      containerSet: { containers: [{ name: a, image: busybox }] }
`;
const read = (text: string, check?: () => Problem[]) => parsePipelines([{ path: '.sluice/w.yaml', text }], check);

test('a Workflow file with trigger annotations is a pipeline', () => {
  const paths = ['src/**'];
  expect(read(workflow)).toMatchObject({
    problems: [],
    pipelines: [
      {
        kind: 'argo',
        name: 'nightly',
        on: {
          push: { branches: ['main', 'release/*'], tags: ['v*'], paths },
          pullRequest: { branches: ['main'], paths },
        },
      },
    ],
  });
});

test('its run is the Workflow of the file with a name, labels and variables of Sluice', () => {
  const [pipeline] = read(workflow).pipelines;
  const { metadata, spec } = compile(pipeline!, makeContext());
  expect(metadata.labels).toMatchObject({ 'sluice.dev/pipeline': 'nightly' });
  expect(metadata.name).toMatch(/^hello-nightly-/);
  expect(spec).toMatchObject({ entrypoint: 'main' });
  const [main, pair] = spec['templates'] as unknown as [
    { container: { env: { name: string; value: string }[] } },
    { containerSet: { containers: { env: { name: string }[] }[] } },
  ];
  expect(main.container.env.findLast(({ name }) => name === 'SLUICE_SHA')?.value).toBe(makeContext().sha);
  expect(pair.containerSet.containers[0]?.env.map(({ name }) => name)).toContain('SLUICE_REF');
});

test('a run that is not trusted gets no service account token, whatever the file says', () => {
  const [pipeline] = read(
    workflow.replace('entrypoint: main', 'entrypoint: main\n  automountServiceAccountToken: true'),
  ).pipelines;
  expect(compile(pipeline!, makeContext({ trust: 'untrusted' })).spec['automountServiceAccountToken']).toBe(false);
});

test('a ref that holds a template tag reaches no field of the Workflow', () => {
  const [pipeline] = read(workflow).pipelines;
  const { spec } = compile(pipeline!, makeContext({ ref: 'refs/heads/{{=1+1}}' }));
  expect(JSON.stringify(spec)).not.toContain('{{');
});

const cases: { name: string; text: string; want: string }[] = [
  {
    name: 'no trigger',
    text: workflow.replaceAll(/ {4}sluice.*\n/g, '    a: b\n'),
    want: '.sluice/w.yaml:5:3: metadata.annotations: no event starts this file; add the annotation sluice.dev/on-push: main, or sluice.dev/on-pull-request: main',
  },
  {
    name: 'a pattern that is none',
    text: workflow.replace('release/*', 'release/['),
    want: '.sluice/w.yaml:5:3: metadata.annotations.sluice.dev/on-push: "release/[" is not a pattern',
  },
  {
    name: 'a name that cannot be one',
    text: workflow.replace('nightly-', 'Nightly_-'),
    want: '"Nightly_" is not the name of a pipeline',
  },
  {
    name: 'a kind that is made by other means',
    text: workflow.replace('kind: Workflow', 'kind: CronWorkflow'),
    want: 'CronWorkflow files in .sluice/ are not supported',
  },
];
test.for(cases)('a file with $name is refused', ({ text, want }) => {
  const { pipelines, problems } = read(text);
  expect(pipelines).toEqual([]);
  expect(problems.map(formatProblem).join('\n')).toContain(want);
});

test('what the engine finds wrong is told at its place', () => {
  const check = (): Problem[] => [
    { code: 'NoImage', severity: 'error', path: 'spec.templates[0].container', message: 'no image' },
  ];
  expect(read(workflow, check).problems.map(formatProblem)).toEqual([
    '.sluice/w.yaml:14:7: spec.templates[0].container: no image',
  ]);
});

test('aliases that multiply are refused', () => {
  const bomb = [
    'a0: &a0 [x, x]',
    ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`),
  ];
  const { pipelines, problems } = read(`${workflow}\n${bomb.join('\n')}\n`);
  expect(pipelines).toEqual([]);
  expect(problems[0]?.code).toBe('TooManyAliases');
});
