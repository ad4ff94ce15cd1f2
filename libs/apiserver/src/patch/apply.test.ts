import type { KubeObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { builtinKinds } from '../kinds/builtin-kinds.ts';
import type { KindInfo } from '../kinds/kind.ts';
import { recordUpdate, serverSideApply } from './apply.ts';
import { PatchError } from './patch-error.ts';

const now = Date.parse('2026-01-02T03:04:05.678Z');

const kindOf = (name: string): KindInfo => {
  const kind = builtinKinds.find((item) => item.kind === name);
  if (!kind) throw new Error(`no kind ${name}`);
  return kind;
};

const deployment = kindOf('Deployment');
const configMap = kindOf('ConfigMap');

const config = (data: Record<string, string>): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' }, data }) as KubeObject;

const apply = (manager: string, applied: KubeObject, live?: KubeObject, force = false) =>
  serverSideApply({ kind: configMap, ...(live ? { live } : {}), applied, manager, force, now });

const fieldsOf = (object: KubeObject, manager: string) =>
  object.metadata.managedFields?.find((entry) => entry['manager'] === manager)?.['fieldsV1'];

test('an applier owns what it applied, but not name and namespace', () => {
  const { object } = apply('a', config({ x: '1' }));
  expect(object.metadata.managedFields).toEqual([
    {
      manager: 'a',
      operation: 'Apply',
      apiVersion: 'v1',
      time: '2026-01-02T03:04:05Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { 'f:x': {} } },
    },
  ]);
});

test('a field that is applied no more is removed, unless another manager owns it', () => {
  const first = apply('a', config({ x: '1', y: '2' })).object;
  const shared = apply('b', config({ y: '2' }), first).object;
  const { object } = apply('a', config({}), shared);
  expect(object).toMatchObject({ data: { y: '2' } });
  expect(object).not.toHaveProperty('data.x');
});

test('changing a field of another manager is a conflict that leaves the object alone', () => {
  const live = apply('a', config({ x: '1' })).object;
  const { object, conflicts } = apply('b', config({ x: '2' }), live);
  expect(conflicts).toEqual([
    {
      manager: 'a',
      operation: 'Apply',
      subresource: '',
      apiVersion: 'v1',
      fields: ['.data.x'],
      time: '2026-01-02T03:04:05Z',
    },
  ]);
  expect(object).toBe(live);
});

test('force takes the field from its owner', () => {
  const live = apply('a', config({ x: '1' })).object;
  const { object, conflicts } = apply('b', config({ x: '2' }), live, true);
  expect(conflicts).toEqual([]);
  expect(object).toMatchObject({ data: { x: '2' } });
  expect(fieldsOf(object, 'a')).toBeUndefined();
});

test('applying the same again changes nothing, times included', () => {
  const live = apply('a', config({ x: '1' })).object;
  const again = serverSideApply({
    kind: configMap,
    live,
    applied: config({ x: '1' }),
    manager: 'a',
    force: false,
    now: now + 60_000,
  });
  expect(again.object).toEqual(live);
});

test('an applied field of a wrong type is refused', () => {
  const wrong = { ...config({}), data: { x: 1 } } as unknown as KubeObject;
  expect(() => apply('a', wrong)).toThrow(PatchError);
});

test('status applied through the main endpoint is neither stored nor owned', () => {
  const applied = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { replicas: 2 },
    status: { replicas: 9 },
  };
  const { object } = serverSideApply({
    kind: deployment,
    applied: applied as KubeObject,
    manager: 'a',
    force: false,
    now,
  });
  expect(object.status).toBeUndefined();
  expect(fieldsOf(object, 'a')).toEqual({ 'f:spec': { 'f:replicas': {} } });
});

test('an update owns the leaves that it changed and takes them from an applier', () => {
  const live = apply('a', config({ x: '1' })).object;
  const after = { ...live, data: { x: '2' } } as KubeObject;
  const recorded = recordUpdate({ kind: configMap, before: live, after, manager: 'kubectl-edit', now });
  expect(fieldsOf(recorded, 'kubectl-edit')).toEqual({ 'f:data': { 'f:x': {} } });
  expect(fieldsOf(recorded, 'a')).toBeUndefined();
});

test('an update that writes managedFields hands ownership on, and none leaves it', () => {
  const live = apply('a', config({ x: '1' })).object;
  const managedFields = live.metadata.managedFields?.map((entry) => ({ ...entry, manager: 'heir' }));
  const handed = { ...live, metadata: { ...live.metadata, managedFields } } as KubeObject;
  const given = recordUpdate({ kind: configMap, before: live, after: handed, manager: 'm', now });
  expect(given.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['heir']);
  const { managedFields: _dropped, ...metadata } = live.metadata;
  const kept = recordUpdate({ kind: configMap, before: live, after: { ...live, metadata }, manager: 'm', now });
  expect(kept.metadata.managedFields).toEqual(live.metadata.managedFields);
});

test('a created object is owned without the parts that are always there', () => {
  const created = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', labels: { app: 'd' } },
    spec: { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
  } as KubeObject;
  expect(fieldsOf(recordUpdate({ kind: deployment, after: created, manager: 'm', now }), 'm')).toEqual({
    'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
    'f:spec': { 'f:replicas': {}, 'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} } },
  });
});

test('a write through a subresource is a manager of its own', () => {
  const live = recordUpdate({
    kind: deployment,
    after: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } },
    manager: 'm',
    now,
  });
  const seeded = {
    ...live,
    metadata: {
      ...live.metadata,
      managedFields: [{ manager: 'x', operation: 'Update', apiVersion: 'apps/v1', fieldsV1: { 'f:spec': {} } }],
    },
  } as KubeObject;
  const after = { ...seeded, status: { replicas: 1 } } as KubeObject;
  const recorded = recordUpdate({ kind: deployment, before: seeded, after, manager: 'm', subresource: 'status', now });
  expect(recorded.metadata.managedFields).toContainEqual(
    expect.objectContaining({ manager: 'm', subresource: 'status' }),
  );
});
