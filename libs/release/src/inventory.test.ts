import { expect, test } from 'vitest';
import { inventoryEntry, parseInventoryEntry } from './inventory.ts';

test.for([
  { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name: 'a' },
  { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'apps', name: 'a-b.c' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', namespace: '', name: 'system:a:b' },
])('an entry names $kind $name', (object) => {
  const { apiVersion, kind, namespace, name } = object;
  expect(parseInventoryEntry(inventoryEntry({ apiVersion, kind, metadata: { name } }, namespace))).toEqual(object);
});

test('other text names nothing', () => {
  expect(parseInventoryEntry({ id: 'apps', v: 'v1' })).toBeUndefined();
});
