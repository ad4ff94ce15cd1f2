import { expect, test } from 'vitest';
import { argoEnvironment } from '../argo-functions.ts';
import { replaceTags } from './replace.ts';

const values = new Map<string, string | null>([
  ['a', 'say "hi"\n'],
  ['which', 'b'],
  ['inputs.parameters.n', '5'],
  ['steps.s.outputs.parameters.gone', null],
]);
const variables = { lookUp: (name: string) => values.get(name), environment: () => argoEnvironment(values) };
const keep = { keepUnresolved: true };

const cases = [
  { name: 'escapes values for JSON', template: '"{{a}}"', want: String.raw`"say \"hi\"\n"` },
  { name: 'keeps a tag that nobody knows', template: '"{{later}}"', want: '"{{later}}"' },
  {
    name: 'resolves the inner of two nested tags',
    template: '"{{inputs.parameters.{{which}}}}"',
    want: '"{{inputs.parameters.b}}"',
  },
  { name: 'evaluates an expression', template: '"{{=asInt(inputs.parameters.n) * 2}}"', want: '"10"' },
  { name: 'keeps an expression whose variable comes later', template: '"{{=item.name}}"', want: '"{{=item.name}}"' },
  {
    name: 'lets an absent output fall back in an expression',
    template: `"{{=steps.s.outputs.parameters.gone ?? 'd'}}"`,
    want: '"d"',
  },
];

test.for(cases)('$name', ({ template, want }) => {
  expect(replaceTags(template, variables, keep)).toEqual({ ok: true, text: want });
});

test('an absent output cannot stand in a simple tag', () => {
  expect(replaceTags('"x {{steps.s.outputs.parameters.gone}}"', variables, keep)).toMatchObject({
    ok: false,
    missing: false,
  });
});

test('an expression that is wrong is an error even where tags may stay', () => {
  expect(replaceTags('"{{=1 +}}"', variables, keep)).toMatchObject({ ok: false });
});
