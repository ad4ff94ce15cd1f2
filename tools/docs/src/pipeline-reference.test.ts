import { pipelineShape, type Shape } from '@sluice/pipeline';
import { expect, test } from 'vitest';
import { pipelineReference } from './pipeline-reference.ts';
import { pipelineWords } from './pipeline-words.ts';

const shape: Shape = {
  type: 'map',
  fields: { name: { shape: { type: 'text', maxLength: 9 }, required: true } },
  notYet: { later: 'is not supported' },
};

test('a field is shown with its type, its limits and its words, and a field of later is named', () => {
  const text = pipelineReference(shape, { name: 'What it is called.' });
  expect(text).toContain('| `name` | text, at most 9 characters | yes | What it is called. |');
  expect(text).toContain('Not supported yet, and refused by name: `later`.');
});

test('a field without words and words without a field are errors that name them', () => {
  expect(() => pipelineReference(shape, {})).toThrow(/the field name has no words/);
  expect(() => pipelineReference(shape, { name: 'x', gone: 'y' })).toThrow(/there is no field gone/);
});

test('the limit of a rule that is narrower than the shape is the one that is shown', () => {
  const rule = {
    code: 'BadName',
    check: (text: string) => (text.length > 3 ? 'is too long' : undefined),
    fix: 'be short',
  };
  const named: Shape = { type: 'map', fields: { name: { shape: { type: 'text', rule, maxLength: 9 } } } };
  const text = pipelineReference(named, { name: 'x' });
  expect(text).toContain('text, at most 3 characters, [form 1](#forms)');
  expect(text).toContain('1. Be short.');
});

test('every field of the pipeline format has words', () => {
  expect(pipelineReference(pipelineShape, pipelineWords)).toContain('## `spec.steps[].package.image`');
});
