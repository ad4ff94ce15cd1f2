import { type KubeObject, resources } from '@sluice/model';
import { silentLog } from '@sluice/runtime';
import { expect, test } from 'vitest';
import { createEventRecorder } from './event-recorder.ts';
import { FakeKube } from './testing.ts';

const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns', uid: 'u' } };

test('repeats become a count', async () => {
  const kube = new FakeKube();
  const recorder = createEventRecorder({ kube, component: 'test', log: silentLog, now: () => 0 });
  for (let i = 0; i < 3; i++) recorder.event(pod, 'Normal', 'Pulled', 'image is there');
  await recorder.flush();
  const [event, ...more] = kube.objects(resources.events, 'ns');
  expect(more).toEqual([]);
  expect(event).toMatchObject({ count: 3, reason: 'Pulled', involvedObject: { kind: 'Pod', name: 'p', uid: 'u' } });
});

test('an event carries the annotations of its latest repeat', async () => {
  const kube = new FakeKube();
  const recorder = createEventRecorder({ kube, component: 'test', log: silentLog, now: () => 0 });
  recorder.event(pod, 'Normal', 'Released', 'done', { revision: '1', by: 'ann' });
  recorder.event(pod, 'Normal', 'Released', 'done', { revision: '2' });
  await recorder.flush();
  const [event] = kube.objects(resources.events, 'ns');
  expect(event).toMatchObject({ count: 2, metadata: { annotations: { revision: '2', by: 'ann' } } });
});

test('a storm about one object is cut, other objects are still heard', async () => {
  const kube = new FakeKube();
  const recorder = createEventRecorder({ kube, component: 'test', log: silentLog, now: () => 0 });
  for (let i = 0; i < 100; i++) recorder.event(pod, 'Warning', 'Bad', `number ${i}`);
  recorder.event({ ...pod, metadata: { ...pod.metadata, name: 'q', uid: 'v' } }, 'Normal', 'Good', 'fine');
  await recorder.flush();
  // 25 of the storm and 1 of the other object; from the eleventh message on the storm is one event that counts.
  expect(kube.writes()).toBe(26);
  expect(kube.objects(resources.events)).toHaveLength(12);
});

test('a failing server is never the caller’s problem', async () => {
  const kube = new FakeKube();
  kube.fail({ verb: 'create', error: new Error('down') });
  const recorder = createEventRecorder({ kube, component: 'test', log: silentLog });
  recorder.event(pod, 'Normal', 'A', 'lost');
  recorder.event(pod, 'Normal', 'B', 'kept');
  await recorder.flush();
  expect(kube.objects(resources.events)).toHaveLength(1);
});
