import { type KubeObject, resources } from '@sluice/model';
import { expect, test } from 'vitest';
import { isControlledBy, ownerReferenceTo } from './owners.ts';
import { applyStatus, sameJson, withCondition } from './status.ts';
import { FakeKube } from './testing.ts';

const { jobs } = resources;
const key = { namespace: 'default', name: 'a' };
const ready = { type: 'Ready', status: 'True', reason: 'Fine', message: 'all is well' } as const;

function stored(kube: FakeKube): KubeObject {
  return kube.put(jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata: { ...key, generation: 3 } });
}

test('a condition carries the generation it speaks of, and its time only moves with its status', () => {
  const job = stored(new FakeKube());
  const first = withCondition(job, {}, ready, 0);
  expect(first).toEqual({
    observedGeneration: 3,
    conditions: [{ ...ready, observedGeneration: 3, lastTransitionTime: '1970-01-01T00:00:00Z' }],
  });
  const again = withCondition({ ...job, status: first }, {}, { ...ready, message: 'still' }, 60_000);
  expect(again.conditions).toMatchObject([{ message: 'still', lastTransitionTime: '1970-01-01T00:00:00Z' }]);
  const failed = withCondition({ ...job, status: first }, {}, { ...ready, status: 'False' }, 60_000);
  expect(failed.conditions).toMatchObject([{ status: 'False', lastTransitionTime: '1970-01-01T00:01:00Z' }]);
});

test('a status is applied to the subresource, for the very object, and only when it differs', async () => {
  const kube = new FakeKube();
  const job = stored(kube);
  expect(await applyStatus(kube, jobs, job, { active: 1 }, { fieldManager: 'test' })).toBe(true);
  expect(kube.requests.at(-1)).toMatchObject({ verb: 'apply', subresource: 'status' });
  const after = kube.object(jobs, key);
  expect(await applyStatus(kube, jobs, after, { active: 1 }, { fieldManager: 'test' })).toBe(false);
  const other = { ...after, metadata: { ...after.metadata, uid: 'another' } };
  await expect(applyStatus(kube, jobs, other, { active: 2 }, { fieldManager: 'test' })).rejects.toMatchObject({
    reason: 'Conflict',
  });
});

test('JSON is the same whatever the order of its fields, and not whatever the order of its lists', () => {
  expect(sameJson({ a: 1, b: [1, { c: undefined }] }, { b: [1, {}], a: 1 })).toBe(true);
  expect(sameJson({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
  expect(sameJson({ a: null }, {})).toBe(false);
});

test('an owner is told apart from another object of its name', () => {
  const parent = stored(new FakeKube());
  const child = { ...parent, metadata: { name: 'c', ownerReferences: [ownerReferenceTo(parent)] } };
  expect(isControlledBy(child, parent)).toBe(true);
  expect(isControlledBy(child, { ...parent, metadata: { ...parent.metadata, uid: 'another' } })).toBe(false);
  expect(() => ownerReferenceTo({ ...parent, metadata: { name: 'a' } })).toThrow('has no uid');
});
