import { request } from 'node:https';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '@sluice/runtime';
import { memoryStore } from '@sluice/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../src/server/api-server.ts';

let directory: string;
let server: ApiServer;
const lines: string[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-audit-'));
  server = await startApiServer({
    store: memoryStore(),
    host: '127.0.0.1',
    port: 0,
    directory,
    log: silentLog,
    now: Date.now,
    audit: (line) => lines.push(line),
  });
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

function call(path: string, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'user-agent': 'tests' };
    const sent = request(`${server.url}${path}`, { ca: server.ca, agent: false, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end();
  });
}

test('each request from the network leaves one line that says who asked for what and how it ended', async () => {
  await call('/api/v1/namespaces/default/configmaps?limit=5', server.token);
  await call('/api/v1/namespaces/default/secrets/missing', server.token);
  await call('/apis', 'wrong');
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events).toHaveLength(3);
  expect(events[0]).toMatchObject({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    stage: 'ResponseComplete',
    verb: 'list',
    requestURI: '/api/v1/namespaces/default/configmaps?limit=5',
    user: { groups: expect.arrayContaining(['system:masters']) },
    userAgent: 'tests',
    objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' },
    responseStatus: { code: 200 },
  });
  expect(events[1]).toMatchObject({ verb: 'get', objectRef: { name: 'missing' }, responseStatus: { code: 404 } });
  expect(events[2]).toMatchObject({ user: { username: 'system:anonymous' }, responseStatus: { code: 401 } });
  expect(lines.join('')).not.toContain(server.token);
});
