import { expect, test } from 'vitest';
import { BadIndex, sliceIndex } from './chart-index.ts';

const digest = 'a'.repeat(64);
const index = `apiVersion: v1
entries:
  demo:
  - apiVersion: v2
    annotations:
      nested:
    description: |
      two lines
      other:
    name: demo
    version: 1.2.0
    digest: ${digest}
    urls:
    - demo-1.2.0.tgz
  - name: demo
    version: 1.1.0
    urls: [https://charts.example.com/demo-1.1.0.tgz]
  - name: demo
    version: 1.0.0
  "other-chart":
  - { name: other-chart, version: 3.0.0, urls: [o.tgz] }
generated: "2026-01-01T00:00:00Z"
serverInfo: {}
`;

test('an index is cut into charts, and only whole entries count', () => {
  const sliced = sliceIndex(index);
  expect(sliced.names).toEqual(['demo', 'other-chart']);
  expect(sliced.entries('demo')).toEqual([
    { name: 'demo', version: '1.2.0', urls: ['demo-1.2.0.tgz'], digest },
    { name: 'demo', version: '1.1.0', urls: ['https://charts.example.com/demo-1.1.0.tgz'] },
  ]);
  expect(sliced.entries('other-chart')).toHaveLength(1);
  expect(sliced.entries('none')).toBeUndefined();
});

test('an index in JSON, an empty one, and charts at the end of the file are read', () => {
  const json = sliceIndex('{"apiVersion":"v1","entries":{"demo":[{"name":"demo","version":"1.0.0","urls":["u"]}]}}');
  expect(json.entries('demo')).toHaveLength(1);
  expect(sliceIndex('apiVersion: v1\nentries: {}\n').names).toEqual([]);
  const last = sliceIndex(
    'apiVersion: v1\nentries:\n    a:\n        - name: a\n          version: 1\n          urls: [x]',
  );
  expect(last.entries('a')).toEqual([{ name: 'a', version: '1', urls: ['x'] }]);
});

test('what is not an index is refused', () => {
  for (const text of ['<html>', 'entries:\n  a: []\n', '{"a":', '{}']) expect(() => sliceIndex(text)).toThrow(BadIndex);
  expect(() => sliceIndex('apiVersion: v1\nentries:\n  a:\n  - {').entries('a')).toThrow(BadIndex);
});

test('an index of 20,000 entries is cut in well under a second', () => {
  const chart = (n: number): string =>
    `  chart-${n}:\n${'  - name: x\n    version: 1.0.0\n    urls: [u]\n'.repeat(20)}`;
  const text = `apiVersion: v1\nentries:\n${Array.from({ length: 1_000 }, (_, n) => chart(n)).join('')}`;
  const before = performance.now();
  expect(sliceIndex(text).entries('chart-999')).toHaveLength(20);
  expect(performance.now() - before).toBeLessThan(10_000);
});
