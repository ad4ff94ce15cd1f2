import { keys } from '@sluice/model';
import { expect, test } from 'vitest';
import { compile } from './compile.ts';
import { buildRerun } from './rerun.ts';
import { makeContext, makePipeline } from './testing.ts';

const pipeline = makePipeline(`apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: {} }
  steps:
    - { name: chart, package: { chart: { path: chart } } }
  deploy:
    - { environment: staging, chart: chart }
`);
const first = compile(pipeline, makeContext({ deploys: pipeline.deploy, check: 'pull_request-7-ci' }));
const ended = {
  ...first,
  metadata: {
    ...first.metadata,
    labels: { ...first.metadata.labels, 'workflows.argoproj.io/completed': 'true' },
    annotations: { ...first.metadata.annotations, [keys.reported]: 'Failed@now', [keys.released]: '{}' },
  },
  spec: { ...first.spec, shutdown: 'Stop' },
};
const context = { repositoryUid: 'uid', triggerKey: 'comment:9', order: 12, current: true };

test('a re-run has the steps and labels of the first under a name and order of its own', () => {
  const again = buildRerun(ended, context);
  expect(again.spec).toEqual(first.spec);
  expect(again.metadata.labels).toEqual(first.metadata.labels);
  expect(again.metadata.name).not.toBe(first.metadata.name);
  expect(again.metadata.annotations).toMatchObject({ [keys.triggerKey]: 'comment:9', [keys.order]: '12' });
  expect(buildRerun(ended, { ...context, order: 13 }).metadata.name).toBe(again.metadata.name);
});

test('a re-run shows what it does in a check of its own, and nothing of what the first reported', () => {
  const annotations = buildRerun(ended, context).metadata.annotations;
  for (const key of [keys.reported, keys.released, keys.check]) expect(annotations).not.toHaveProperty([key]);
});

test('only the commit that its ref still points to is deployed again', () => {
  expect(buildRerun(ended, context).metadata.annotations).toHaveProperty([keys.deploy]);
  expect(buildRerun(ended, { ...context, current: false }).metadata.annotations).not.toHaveProperty([keys.deploy]);
});
