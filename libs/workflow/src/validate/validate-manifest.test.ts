import { expect, test } from 'vitest';
import type { KubeObject } from '@sluice/model';
import { validateManifest } from './validate-manifest.ts';

const apiVersion = 'argoproj.io/v1alpha1';
const spec = { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'a' } }] };

test('a field that the kind does not have is told with its path and the nearest name', () => {
  const manifest = {
    apiVersion,
    kind: 'Workflow',
    metadata: { name: 'w' },
    spec: { ...spec, templates: [{ name: 'main', container: { image: 'a', comand: ['x'] } }] },
  } as KubeObject;
  expect(validateManifest(manifest, { unknownFields: 'error' })).toEqual([
    {
      code: 'FieldUnknown',
      severity: 'error',
      path: 'spec.templates[0].container.comand',
      message: 'unknown field "comand"',
      fix: 'did you mean "command"?',
    },
  ]);
  expect(validateManifest(manifest).map(({ severity }) => severity)).toEqual(['warning']);
  expect(validateManifest(manifest, { unknownFields: 'ignore' })).toEqual([]);
});

test.for([
  { arguments: { parameters: { name: 'a' } } },
  { templates: 'main' },
  { templates: [7] },
  { templates: [{ name: 'main', steps: [{ name: 'a' }] }] },
  { hooks: [] },
])('a spec of the wrong shape is refused and not stumbled over: %j', (wrong) => {
  const problems = validateManifest({ apiVersion, kind: 'Workflow', spec: wrong } as unknown as KubeObject);
  expect(problems.map(({ code }) => code)).toEqual(['FieldInvalid']);
});

test('the paths of a CronWorkflow lead to its workflowSpec, and its time zone is looked up', () => {
  const cron = {
    apiVersion,
    kind: 'CronWorkflow',
    metadata: { name: 'c' },
    spec: { schedules: ['0 0 * * *'], timezone: 'Not/Here', workflowSpec: { ...spec, entrypoint: 'mian' } },
  } as KubeObject;
  expect(validateManifest(cron).map(({ path, fix }) => [path, fix])).toEqual([
    ['spec.timezone', 'use a name such as Europe/Berlin'],
    ['spec.workflowSpec.entrypoint', 'did you mean "main"?'],
  ]);
});
