import type { KubeObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { buildInventory, inventoryEntry } from './inventory.ts';
import { diffManifests, formatChanges } from './manifest-diff.ts';

const object = (kind: string, name: string, more: object, apiVersion = 'v1'): KubeObject =>
  ({ apiVersion, kind, metadata: { name, namespace: 'apps' }, ...more }) as KubeObject;

const before = [
  object('ConfigMap', 'a', { data: { color: 'red', gone: 'x' } }),
  object('Secret', 's', { data: { password: 'b25l' } }),
  object('Service', 'old', {}),
];
const after = [
  object('Secret', 's', { data: { password: 'dHdv', user: 'YQ==' } }),
  object('ConfigMap', 'a', { data: { color: 'blue', list: [1, 2] } }),
  object('Service', 'new', {}),
];

test('the changes name objects and fields, and never what is in a Secret', () => {
  const text = formatChanges(diffManifests(before, after), 2_000);
  expect(text.split('\n')).toEqual([
    '~ Secret/apps/s data.password: *** → ***',
    '~ Secret/apps/s data.user: + ***',
    '~ ConfigMap/apps/a data.color: red → blue',
    '~ ConfigMap/apps/a data.gone: removed (was x)',
    '~ ConfigMap/apps/a data.list: + [1,2]',
    '+ Service/apps/new',
    '- Service/apps/old',
  ]);
});

test('the order of objects and keys makes no difference', () => {
  expect(diffManifests(before, before.toReversed())).toEqual([]);
  expect(formatChanges([], 100)).toBe('no object changes');
});

test('the text is bounded and says what is left out', () => {
  const many = Array.from({ length: 200 }, (_, n) => object('ConfigMap', `c${n}`, {}));
  const text = formatChanges(diffManifests([], many), 300);
  expect(text.length).toBeLessThanOrEqual(300);
  expect(text).toMatch(/… and 1\d\d more changes$/);
});

test('an inventory has each object once', () => {
  const role = object('ClusterRole', 'system:a', {}, 'rbac.authorization.k8s.io/v1');
  const entries = [
    inventoryEntry(role, ''),
    inventoryEntry(role, ''),
    inventoryEntry(object('ConfigMap', 'a', {}), 'apps'),
  ];
  expect(buildInventory(entries).entries).toEqual([
    { id: '_system__a_rbac.authorization.k8s.io_ClusterRole', v: 'v1' },
    { id: 'apps_a__ConfigMap', v: 'v1' },
  ]);
});
