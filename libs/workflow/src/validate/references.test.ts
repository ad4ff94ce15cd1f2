import { expect, test } from 'vitest';
import { makeTemplate, makeWorkflow } from '../testing.ts';
import type { Template, WorkflowSpec } from '../workflow-types.ts';
import { validate, type ValidateOptions } from './validate.ts';

const echo = makeTemplate('echo', { inputs: { parameters: [{ name: 'm', default: 'x' }] } });
const call = (name: string, value: string, more: object = {}) => ({
  name,
  template: 'echo',
  arguments: { parameters: [{ name: 'm', value }] },
  ...more,
});

function told(spec: WorkflowSpec, options?: ValidateOptions): readonly string[] {
  return validate(makeWorkflow(spec), spec, options).map(({ path, message }) => `${path}: ${message}`);
}

function inMain(main: Omit<Template, 'name'>, templates: readonly Template[] = [echo]): WorkflowSpec {
  return { entrypoint: 'main', templates: [{ name: 'main', ...main } as Template, ...templates] };
}

test('a step cannot refer to one that comes later, in the same group or nowhere', () => {
  const steps = [
    [call('a', '{{steps.b.status}}'), call('b', '{{steps.a.outputs.result}}')],
    [call('c', '{{steps.a.outputs.result}} {{steps.aa.status}}')],
  ];
  expect(told(inMain({ steps }))).toEqual([
    'templates.main.steps[0].a: failed to resolve {{steps.b.status}}',
    'templates.main.steps[0].b: failed to resolve {{steps.a.outputs.result}}',
    'templates.main.steps[1].c: failed to resolve {{steps.aa.status}}',
  ]);
});

test('a task refers to its ancestors only', () => {
  const tasks = [
    call('a', 'x'),
    call('b', 'x', { depends: 'a' }),
    call('c', '{{tasks.a.outputs.result}} {{tasks.z.status}}', { depends: 'b' }),
    call('z', '{{tasks.c.outputs.result}}'),
  ];
  expect(told(inMain({ dag: { tasks } }))).toEqual([
    'templates.main.tasks.c: failed to resolve {{tasks.z.status}}',
    "templates.main.tasks.z: missing dependency 'c' for parameter 'm'",
  ]);
});

test('inputs, outputs and globals that nobody declares are told', () => {
  const work = makeTemplate('work', {
    container: {
      image: 'a',
      args: ['{{inputs.parameters.nope}} {{workflow.parameters.nope}} {{workflow.labels.team}}'],
    },
  });
  expect(told({ entrypoint: 'work', templates: [work] })).toEqual([
    'templates.work: failed to resolve {{inputs.parameters.nope}}',
    'templates.work: failed to resolve {{workflow.parameters.nope}}',
    'templates.work: failed to resolve {{workflow.labels.team}}',
  ]);
});

test('a reference to a stored template is followed, and told when it leads nowhere', () => {
  const templateRef = { name: 'lib', template: 'work' };
  const steps = [[{ name: 'a', templateRef }]];
  const stored = (name: string) => (name === 'lib' ? { templates: [{ name: 'work', container: {} }] } : undefined);
  expect(told(inMain({ steps }), { stored })).toEqual([
    'workflowtemplates.lib.templates.work.container.image: may not be empty',
  ]);
  expect(told(inMain({ steps }), { stored: () => undefined })).toEqual([
    'templates.main.steps[0].a.templateRef: template reference lib.work not found',
  ]);
  expect(told(inMain({ steps }))).toEqual([]);
});
