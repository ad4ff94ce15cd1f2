import { readFileSync, readdirSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { toJsonSchema } from './json-schema.ts';
import { parsePipelines } from './parse-pipelines.ts';
import { pipelineShape } from './pipeline-shape.ts';

const validate = new Ajv2020({ allowUnionTypes: true }).compile(toJsonSchema(pipelineShape));
const testdata = new URL('../testdata/', import.meta.url);

test.for(readdirSync(testdata))('the schema takes testdata/%s', (name) => {
  const text = readFileSync(new URL(`${name}/input.yaml`, testdata), 'utf8');
  expect([validate(parse(text)), validate.errors]).toEqual([true, null]);
});

const head =
  'apiVersion: sluice.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: ci }\nspec:\n  on: { push: }\n  steps:\n';
test.for([
  { name: 'an unknown field', step: '{ name: a, run: x, nedds: [] }' },
  { name: 'two kinds of step in one', step: '{ name: a, run: x, package: { chart: { path: c } } }' },
  { name: 'neither', step: '{ name: a }' },
  { name: 'a step without a name', step: '{ run: x }' },
  { name: 'a number of retries that is none', step: '{ name: a, run: x, retry: often }' },
])('what lint refuses, the schema does not take: $name', ({ step }) => {
  const text = `${head}    - ${step}\n`;
  expect(parsePipelines([{ path: '.sluice/p.yaml', text }]).problems).not.toEqual([]);
  expect(validate(parse(text))).toBe(false);
});

test('words become descriptions', () => {
  expect(toJsonSchema({ type: 'map', fields: { a: { shape: { type: 'json' } } } }, { a: 'What a is.' })).toMatchObject({
    properties: { a: { description: 'What a is.' } },
  });
});
