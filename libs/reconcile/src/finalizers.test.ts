import { type KubeObject, resources } from '@sluice/model';
import { expect, test } from 'vitest';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
import { FakeKube } from './testing.ts';

const { jobs } = resources;
const job: KubeObject = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a', namespace: 'default' } };
const key = { namespace: 'default', name: 'a' };

test('a finalizer holds a deleted object until it is removed', async () => {
  const kube = new FakeKube();
  const stored = kube.put(jobs, job);
  const held = await addFinalizer(kube, jobs, stored, 'sluice.dev/x');
  expect(await addFinalizer(kube, jobs, held, 'sluice.dev/x')).toBe(held);
  await kube.delete(jobs, key);
  const deleting = kube.object(jobs, key);
  expect(deleting.metadata.deletionTimestamp).toBeDefined();
  await removeFinalizer(kube, jobs, deleting, 'sluice.dev/x');
  expect(kube.objects(jobs)).toEqual([]);
  await removeFinalizer(kube, jobs, deleting, 'sluice.dev/x');
});

test('a finalizer that somebody else added meanwhile is not overwritten', async () => {
  const kube = new FakeKube();
  const stale = kube.put(jobs, job);
  await addFinalizer(kube, jobs, stale, 'other');
  await expect(addFinalizer(kube, jobs, stale, 'ours')).rejects.toMatchObject({ code: 409, reason: 'Conflict' });
  expect(hasFinalizer(kube.object(jobs, key), 'other')).toBe(true);
});

test('removal from a stale place is refused', async () => {
  const kube = new FakeKube();
  const stored = kube.put(jobs, { ...job, metadata: { ...job.metadata, finalizers: ['a', 'b'] } });
  await removeFinalizer(kube, jobs, stored, 'a');
  await expect(removeFinalizer(kube, jobs, stored, 'b')).rejects.toMatchObject({ code: 409, reason: 'Conflict' });
  expect(kube.object(jobs, key).metadata.finalizers).toEqual(['b']);
});
