import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PodLogOptions } from '../src/rest/pod-streams.ts';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
const asked: { pod: unknown; options: PodLogOptions }[] = [];
beforeAll(async () => {
  server = await startTestApiServer({
    async *podLogs(pod, options) {
      asked.push({ pod, options });
      yield Buffer.from(`log of ${options.container}\n`);
    },
  });
  send = testClient(server.handle);
  for (const [name, containers] of [
    ['single', ['main']],
    ['double', ['a', 'b']],
  ] as const) {
    const spec = {
      containers: containers.map((container) => ({ name: container, image: 'x' })),
      initContainers: [{ name: 'init', image: 'x' }],
    };
    await send('POST', pods, { metadata: { name }, spec });
  }
});
afterAll(() => server.close());
const pods = '/api/v1/namespaces/default/pods';

test('a log comes from the port, with everything that was asked for', async () => {
  const answer = await send(
    'GET',
    `${pods}/single/log?tailLines=10&sinceSeconds=60&timestamps=true&limitBytes=99&previous=true`,
  );
  expect(answer).toMatchObject({ status: 200, body: 'log of main\n', headers: { 'content-type': 'text/plain' } });
  expect(asked.at(-1)).toMatchObject({
    pod: { namespace: 'default', name: 'single' },
    options: {
      container: 'main',
      follow: false,
      tailLines: 10,
      sinceSeconds: 60,
      timestamps: true,
      limitBytes: 99,
      previous: true,
    },
  });
});

test('init containers have logs too', async () => {
  expect((await send('GET', `${pods}/double/log?container=init`)).body).toBe('log of init\n');
});

test.for([
  {
    path: 'double/log',
    status: 400,
    message: 'a container name must be specified for pod double, choose one of: [a b]',
  },
  { path: 'double/log?container=c', status: 400, message: 'container c is not valid for pod double' },
  { path: 'missing/log', status: 404, message: 'pods "missing" not found' },
])('$path is refused', async ({ path, status, message }) => {
  expect(await send('GET', `${pods}/${path}`)).toMatchObject({ status, body: { message } });
});
