import { expect, test } from 'vitest';
import { makeTemplate, makeWorkflow } from '../testing.ts';
import type { WorkflowSpec } from '../workflow-types.ts';
import { validate } from './validate.ts';

function messages(spec: WorkflowSpec): readonly string[] {
  return validate(makeWorkflow(spec), spec).map(({ message, fix }) => (fix ? `${message}; ${fix}` : message));
}

const dag = (tasks: readonly object[], templates = [makeTemplate('work')]): WorkflowSpec => ({
  entrypoint: 'main',
  templates: [{ name: 'main', dag: { tasks: tasks as never } }, ...templates],
});

test('a workflow without problems has none', () => {
  expect(
    messages(
      dag([
        { name: 'a', template: 'work' },
        { name: 'b', template: 'work', depends: 'a.Succeeded' },
      ]),
    ),
  ).toEqual([]);
});

test('all problems are told at once', () => {
  const found = messages(
    dag([
      { name: 'a', template: 'wrok' },
      { name: 'b', template: 'work', depends: 'a.Done && c' },
    ]),
  );
  expect(found).toEqual([
    expect.stringContaining(`'wrok' undefined; did you mean "work"?`),
    expect.stringContaining("task result 'Done'"),
    expect.stringContaining("dependency 'c' not defined"),
  ]);
});

test('a cycle is shown as a path', () => {
  expect(
    messages(
      dag([
        { name: 'a', template: 'work', depends: 'b' },
        { name: 'b', template: 'work', depends: 'a' },
      ]),
    ),
  ).toEqual(['dependency cycle detected: a -> b -> a']);
});

test('an input that nobody supplies is found before anything runs', () => {
  expect(
    messages(
      dag(
        [{ name: 'a', template: 'needy' }],
        [makeTemplate('needy', { inputs: { parameters: [{ name: 'x' }] } }) as never],
      ),
    ),
  ).toEqual(['inputs.parameters.x was not supplied']);
});

test('what is not supported is refused by the name of its field', () => {
  expect(
    messages({
      entrypoint: 'work',
      templates: [makeTemplate('work', { outputs: { artifacts: [{ name: 'o', path: '/o' }] } })],
    }),
  ).toEqual([expect.stringMatching(/^artifacts: artifacts are not supported/)]);
});
