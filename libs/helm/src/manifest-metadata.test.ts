import { expect, test } from 'vitest';
import { withMetadata, withoutHooks } from './manifest-metadata.ts';
import { BadManifest, readManifest } from './manifest.ts';

const manifest = `---
# Source: demo/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: one
  labels:
data:
  flag: "yes"
  text: |
    two
    lines
---
apiVersion: batch/v1
kind: Job
metadata:
  name: two
  annotations: { helm.sh/hook: pre-install }
---
apiVersion: v1
kind: ConfigMapList
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: three, labels: { a: "1" } } }
`;

test('labels and annotations come to every object, also in lists, and win; the rest stays', () => {
  const changed = withMetadata(manifest, { labels: { a: '2' }, annotations: { 'x/y': 'z' } });
  const objects = readManifest(changed);
  expect(objects.map(({ metadata }) => metadata.labels)).toEqual([{ a: '2' }, { a: '2' }, { a: '2' }]);
  expect(objects[1]?.metadata.annotations).toEqual({ 'helm.sh/hook': 'pre-install', 'x/y': 'z' });
  expect(objects[0]).toMatchObject({ data: { flag: 'yes', text: 'two\nlines\n' } });
  expect(changed).toContain('flag: "yes"');
});

test('without labels and annotations nothing is touched', () => {
  expect(withMetadata(manifest, { labels: {}, annotations: {} })).toBe(manifest);
});

test('hooks are told apart', () => {
  const { hooks, others } = withoutHooks(manifest);
  expect(readManifest(hooks).map(({ metadata }) => metadata.name)).toEqual(['two']);
  expect(readManifest(others).map(({ metadata }) => metadata.name)).toEqual(['one', 'three']);
});

test('what is not a Kubernetes object is refused', () => {
  expect(() => readManifest('a: 1')).toThrow(BadManifest);
  expect(() => readManifest('a: [')).toThrow(BadManifest);
  expect(readManifest('---\n---\n# nothing\n')).toEqual([]);
});
