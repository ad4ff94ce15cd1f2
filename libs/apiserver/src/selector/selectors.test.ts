import { expect, test } from 'vitest';
import { builtinKinds } from '../kinds/builtin-kinds.ts';
import { matchesFields, parseFieldSelector } from './field-selector.ts';
import { matchesLabels, parseLabelSelector } from './label-selector.ts';

const labels = { app: 'web', tier: '2' };

test.for([
  { text: 'app=web,tier!=1', matches: true },
  { text: 'app in (web, api),!gone', matches: true },
  { text: 'tier>1', matches: true },
  { text: 'app notin (web)', matches: false },
  { text: '', matches: true },
])('labels and "$text": $matches', ({ text, matches }) => {
  const selector = parseLabelSelector(text);
  expect(selector.ok && matchesLabels(selector.value, labels)).toBe(matches);
});

test('a field that a kind cannot be selected by is a problem', () => {
  const pods = builtinKinds.find((kind) => kind.kind === 'Pod');
  expect(parseFieldSelector('status.phase!=Running', pods).ok).toBe(true);
  expect(parseFieldSelector('spec.hostname=x', pods)).toMatchObject({ ok: false });
});

test('a hostile selector is answered in bounded time', () => {
  const started = performance.now();
  expect(parseLabelSelector('('.repeat(60_000)).ok).toBe(false);
  expect(parseLabelSelector(`a in (${'b,'.repeat(30_000)}c)`).ok).toBe(true);
  expect(parseFieldSelector(`a=${'\\'.repeat(60_000)}`).ok).toBe(true);
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('fields of an object are compared as text', () => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: {} };
  const selector = parseFieldSelector('metadata.name=n,spec.unschedulable=false');
  expect(selector.ok && matchesFields(selector.value, node)).toBe(true);
});
