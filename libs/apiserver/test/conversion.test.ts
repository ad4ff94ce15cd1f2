import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { openTestWatch, startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer();
  send = testClient(server.handle);
});
afterAll(() => server.close());

const core = '/api/v1/namespaces/default/events';
const group = '/apis/events.k8s.io/v1/namespaces/default/events';

test('an event is the same object in both groups', async () => {
  const regarding = { kind: 'Pod', namespace: 'default', name: 'p' };
  const made = await send('POST', group, {
    metadata: { name: 'e' },
    regarding,
    note: 'it happened',
    reason: 'Happened',
    type: 'Normal',
    action: 'Happen',
    eventTime: '2026-01-02T03:04:05.000006Z',
    reportingController: 'sluice.dev/test',
    reportingInstance: 'test-0',
  });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ apiVersion: 'events.k8s.io/v1', kind: 'Event', note: 'it happened', regarding });
  const { body } = await send('GET', `${core}/e`);
  expect(body).toMatchObject({
    apiVersion: 'v1',
    message: 'it happened',
    involvedObject: regarding,
    reportingComponent: 'sluice.dev/test',
  });
  expect(body.note).toBeUndefined();
  expect((await send('GET', `${core}?fieldSelector=involvedObject.name%3Dp`)).body.items).toHaveLength(1);
  expect((await send('GET', `${group}?fieldSelector=regarding.name%3Dq`)).body.items).toHaveLength(0);
  const watch = await openTestWatch(server.handle, `${group}?watch=true`);
  expect((await watch.take(1))[0]?.object).toEqual((await send('GET', `${group}/e`)).body);
  watch.close();
});

test('an autoscaler of v1 is one of v2 with a CPU metric', async () => {
  const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const made = await send('POST', v1, {
    metadata: { name: 'h' },
    spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 70 },
  });
  expect(made.body.spec.targetCPUUtilizationPercentage).toBe(70);
  const { body } = await send('GET', `${v1.replace('/v1/', '/v2/')}/h`);
  expect(body).toMatchObject({
    apiVersion: 'autoscaling/v2',
    spec: {
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
      ],
    },
  });
  expect((await send('GET', `${v1}/h`)).body.spec).toMatchObject({
    targetCPUUtilizationPercentage: 70,
    maxReplicas: 3,
  });
});
