import { expect, test } from 'vitest';
import { evaluateExpression } from '../program.ts';
import { declareStrings, fromJson, type Value } from '../value.ts';

const environment = new Map<string, Value>([
  ['name', 'x'],
  ['n', 3n],
  ['list', fromJson([3, 1, 2])],
  ['nested', fromJson({ list: [1] })],
  ['words', declareStrings(['p', 'q'])],
]);

test.for([
  ['n + name', 'invalid operation: + (mismatched types int and string) (1:3)'],
  ['true and\n  n', 'invalid operation: and (mismatched types bool and int) (1:6)'],
  ['list["a"]', 'array elements can only be selected using an integer (got string) (1:6)'],
  ['name.foo', 'type string has no field foo (1:6)'],
  ['1 ? 2 : 3', 'non-bool expression (type int) used as condition (1:1)'],
  ['upper(n)', 'cannot use int as argument (type string) to call upper (1:7)'],
  ['filter(list, 12)', 'predicate should return boolean (got int) (1:14)'],
  ['7 % 0', 'integer divide by zero (1:3)'],
  ['date("2024-01-02").Nope()', 'type time.Time has no method Nope (1:20)'],
  ['words[0] - 1', 'invalid operation: - (mismatched types string and int) (1:10)'],
  ['let len = 1; len', 'cannot redeclare builtin len (1:5)'],
  ['name ?? 1 + 2', 'Operator (+) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses. (1:11)'],
])('%s is refused before it runs, with its place', ([source = '', message]) => {
  expect(evaluateExpression(source, environment)).toEqual({ ok: false, phase: 'compile', message });
});

test('what lies in nested values is judged when it runs', () => {
  expect(evaluateExpression('nested.list + 1', environment)).toMatchObject({ ok: false, phase: 'run' });
  expect(evaluateExpression('nested.list[0] + 1', environment)).toEqual({ ok: true, value: 2n });
});

test('times have the methods of Go, in their zone', () => {
  const source = 'date("2024-07-02T12:00:00Z").In(timezone("America/New_York")).Format("Mon Jan 2 15:04 -0700")';
  expect(evaluateExpression(source, environment)).toEqual({ ok: true, value: 'Tue Jul 2 08:00 -0400' });
});

test('now() is the time that was given, and refused where none was', () => {
  const limits = { steps: 100, cells: 100, now: 0 };
  expect(evaluateExpression('now().Year()', environment, limits)).toEqual({ ok: true, value: 1970n });
  expect(evaluateExpression('now().Year()', environment)).toMatchObject({ ok: false, phase: 'run' });
});
