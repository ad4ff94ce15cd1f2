import { expect, test } from 'vitest';
import { meets, parseCondition } from './conditions.ts';

const object = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  status: { phase: 'Running', ready: 2, list: [{ a: 'x' }, { a: 'y' }], flag: true },
};

test.for<[string, boolean]>([
  ['status.phase == Running', true],
  ['status.phase=Running,status.ready > 1', true],
  ['status.phase != Running', false],
  ['status.phase in (Failed, Running)', true],
  ['status.phase notin (Failed, Error)', true],
  ['status.absent notin (Failed)', true],
  ['status.absent == x', false],
  ['status.flag == true', true],
  ['status.ready < 2', false],
  ['status.list.1.a == y', true],
  ['status.list.# == 2', true],
  ['status.phase', true],
  ['!status.absent', true],
  ['!status.phase', false],
  ['', true],
])('the condition %j is %j', ([text, want]) => {
  expect(meets(object, parseCondition(text))).toBe(want);
});

test.for(['a ==== b c', 'in (x)', '== x'])('the condition %j is refused', (text) => {
  expect(() => parseCondition(text)).toThrow('cannot be read');
});
