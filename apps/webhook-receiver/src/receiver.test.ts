import { resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { type Log, Secret, silentLog } from '@sluice/runtime';
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DeliveryJob } from '@sluice/events';
import { type RunningReceiver, start } from './receiver.ts';

const secret = 'correct horse';
const previous = 'battery staple';
const payload = JSON.stringify({
  ref: 'refs/heads/main',
  before: '0'.repeat(40),
  after: 'a'.repeat(40),
  repository: { id: 1, full_name: 'sluice/hello' },
});

type AddOutcome = 'added' | 'duplicate' | 'conflict';

let kube: FakeKube;
let receiver: RunningReceiver;
let jobs: Map<string, { job: DeliveryJob; key: string }>;
let aliases: Set<string>;
let broken: Error | undefined;
let logged: string[];
/** Ids of jobs that failed for good. */
const dead = new Set<string>();
const stateOf = (id: string) =>
  dead.has(id) ? ({ state: 'dead', attempts: 10, error: 'no' } as const) : ({ state: 'waiting', attempts: 0 } as const);

beforeEach(async () => {
  kube = new FakeKube();
  jobs = new Map();
  aliases = new Set();
  broken = undefined;
  logged = [];
  putRepository('hello', 'route1');
  putSecret('hello-webhook', { secret, previous });
  const note = (message: string): void => void logged.push(message);
  const log: Log = { ...silentLog, error: note, warn: note };
  const deliveries = {
    async add(job: DeliveryJob, { id, key, alias }: { id: string; key: string; alias: string }): Promise<AddOutcome> {
      if (broken) throw broken;
      if (jobs.has(id)) return 'duplicate';
      if (aliases.has(alias)) return 'conflict';
      aliases.add(alias);
      jobs.set(id, { job, key });
      return 'added';
    },
    list: async () => [...jobs].map(([id, { job }]) => ({ id, job, ...stateOf(id) })),
    async show(id: string) {
      const job = jobs.get(id)?.job;
      return job && { id, job, ...stateOf(id) };
    },
    async replay(id: string) {
      const isDead = dead.delete(id);
      return isDead;
    },
  };
  const logToken = new Secret('the token of the log');
  const config = { host: '127.0.0.1', port: 0, maxBodyBytes: 100_000, bodyTimeoutMs: 300, logToken };
  receiver = await start(config, { kube, deliveries, log, now: () => Date.UTC(2026, 0, 1) });
  await vi.waitFor(async () => {
    if ((await fetch(`${receiver.url}/readyz`)).status !== 200) throw new Error('not ready');
  });
});
afterEach(() => receiver.close());

function putRepository(name: string, route: string): void {
  kube.put(resources.repositories, {
    apiVersion: 'sluice.dev/v1alpha1',
    kind: 'Repository',
    metadata: { name, namespace: 'ci' },
    spec: { forge: { type: 'local' }, webhook: { route, secretRef: { name: `${name}-webhook` } } },
  });
}

function putSecret(name: string, values: Record<string, string>): void {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  kube.put(resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'ci' }, data } as never);
}

const sign = (body: string, key = secret): string => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;

type Answer = { status: number; code?: string; id?: string };
async function post(body: string, headers: Record<string, string | undefined> = {}, route = 'route1'): Promise<Answer> {
  const all: Record<string, string | undefined> = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': 'd-1',
    'x-hub-signature-256': sign(body),
    ...headers,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = await fetch(`${receiver.url}/hooks/${route}`, { method: 'POST', body, headers: given });
  const { code, id } = (await response.json()) as { code: string; id?: string };
  return { status: response.status, code, ...(id === undefined ? {} : { id }) };
}

test('a signed push is stored with its bytes before it is answered', async () => {
  const answer = await post(payload);
  expect(answer).toEqual({ status: 202, code: 'Queued', id: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(jobs.get(answer.id ?? '')).toEqual({
    key: 'ci/hello',
    job: {
      route: 'route1',
      repository: { namespace: 'ci', name: 'hello' },
      event: 'push',
      delivery: 'd-1',
      body: Buffer.from(payload).toString('base64'),
      receivedAt: '2026-01-01T00:00:00.000Z',
    },
  });
});

test('the same body again is one job, whatever its delivery id', async () => {
  await post(payload);
  expect(await post(payload, { 'x-github-delivery': 'd-2' })).toMatchObject({ status: 202, code: 'Duplicate' });
  expect(jobs.size).toBe(1);
});

test('the previous secret still signs; a third does not', async () => {
  expect((await post(payload, { 'x-hub-signature-256': sign(payload, previous) })).status).toBe(202);
  expect((await post(payload, { 'x-hub-signature-256': sign(payload, 'something else') })).status).toBe(401);
});

test('a changed secret counts from then on', async () => {
  putSecret('hello-webhook', { secret: 'a new secret' });
  await vi.waitFor(async () => expect((await post(payload)).status).toBe(401));
  expect((await post(payload, { 'x-hub-signature-256': sign(payload, 'a new secret') })).status).toBe(202);
});

const hex = createHmac('sha256', secret).update(payload).digest('hex');
test.for([
  { name: 'no signature', value: undefined },
  { name: 'sha1 only', value: 'sha1=0000000000000000000000000000000000000000' },
  { name: 'an empty signature', value: 'sha256=' },
  { name: 'a shortened signature', value: `sha256=${hex.slice(2)}` },
  { name: 'two signatures', value: `sha256=${hex}, sha256=${hex}` },
  { name: 'the bare hex', value: hex },
])('$name is refused and nothing is stored', async ({ value }) => {
  expect(await post(payload, { 'x-hub-signature-256': value })).toEqual({ status: 401, code: 'BadSignature' });
  expect(jobs.size).toBe(0);
});

test.for([
  {
    name: 'a form',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    want: [415, 'UnsupportedMediaType'],
  },
  { name: 'a packed body', headers: { 'content-encoding': 'gzip' }, want: [415, 'UnsupportedMediaType'] },
  { name: 'no event', headers: { 'x-github-event': undefined }, want: [400, 'MissingHeader'] },
  { name: 'a strange delivery id', headers: { 'x-github-delivery': 'a b' }, want: [400, 'MissingHeader'] },
  {
    name: 'a push under the name of a pull request',
    headers: { 'x-github-event': 'pull_request' },
    want: [422, 'BadPayload'],
  },
])('$name is refused', async ({ headers, want }) => {
  expect(await post(payload, headers)).toEqual({ status: want[0], code: want[1] });
  expect(jobs.size).toBe(0);
});

test('a signed body that is not JSON is refused', async () => {
  expect(await post('{"ref":')).toEqual({ status: 422, code: 'BadPayload' });
});

test('an unknown route and another repository with the wrong secret are refused', async () => {
  putRepository('other', 'route2');
  putSecret('other-webhook', { secret: 'the other secret' });
  await vi.waitFor(async () => expect((await post(payload, {}, 'route2')).status).toBe(401));
  expect(await post(payload, {}, 'nowhere')).toEqual({ status: 404, code: 'RouteNotFound' });
  expect(jobs.size).toBe(0);
});

test('two repositories with one route are refused by name', async () => {
  putRepository('twin', 'route1');
  await vi.waitFor(async () => expect(await post(payload)).toEqual({ status: 409, code: 'AmbiguousRoute' }));
});

test('a repository without a usable secret takes nothing, not even a body signed with the empty key', async () => {
  putRepository('bare', 'route3');
  putSecret('bare-webhook', { secret: '' });
  const unsigned = { 'x-hub-signature-256': sign(payload, '') };
  await vi.waitFor(async () =>
    expect(await post(payload, unsigned, 'route3')).toEqual({ status: 503, code: 'Unavailable' }),
  );
  await vi.waitFor(() => expect(logged).toContain('repository has no usable webhook secret'));
  expect(jobs.size).toBe(0);
});

test('ping is answered and not stored', async () => {
  const ping = JSON.stringify({ zen: 'Keep it logically awesome.', hook_id: 1 });
  expect(await post(ping, { 'x-github-event': 'ping' })).toMatchObject({ status: 200, code: 'Pong' });
  expect(jobs.size).toBe(0);
});

test('while nothing can be stored the sender is told to come again', async () => {
  broken = new Error('disk full');
  expect(await post(payload)).toEqual({ status: 503, code: 'Unavailable' });
  broken = undefined;
  expect((await post(payload)).code).toBe('Queued');
});

test('no request goes to the cluster for a delivery, signed or not', async () => {
  const before = kube.requests.length;
  await post(payload);
  await post(payload, { 'x-hub-signature-256': sign('other') });
  await post(payload, { 'x-github-enterprise-host': 'evil.example', 'x-forwarded-host': 'evil.example' });
  expect(kube.requests.length).toBe(before);
});

test('a body that is announced too long is refused unread', async () => {
  const body = JSON.stringify({ x: 'y'.repeat(100_000) });
  expect(await post(body)).toEqual({ status: 413, code: 'BodyTooLarge' });
});

/** Send raw bytes and give the status line; the connection stays open until the server ends it. */
function raw(head: string, send: (write: (text: string) => void) => void): Promise<string> {
  const { hostname, port } = new URL(receiver.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(head);
      send((text) => void (socket.destroyed || socket.write(text)));
    });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
      if (answer.includes('\r\n')) {
        resolve(answer.split('\r\n')[0] ?? '');
        socket.destroy();
      }
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

const chunkedHead = `POST /hooks/route1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-hub-signature-256: sha256=${'0'.repeat(64)}\r\ntransfer-encoding: chunked\r\n\r\n`;

test('an endless chunked body is cut off at the cap', async () => {
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  const status = await raw(chunkedHead, (write) => {
    for (let sent = 0; sent < 20; sent++) write(chunk);
  });
  expect(status).toBe('HTTP/1.1 413 Payload Too Large');
});

test('a body that trickles is cut off after its time, others are served meanwhile', async () => {
  const slow = raw(chunkedHead, (write) => write('1\r\nx\r\n'));
  expect((await post(payload)).status).toBe(202);
  expect(await slow).toBe('HTTP/1.1 408 Request Timeout');
});

test('health, metrics and unknown paths are answered', async () => {
  await post(payload);
  const metrics = await (await fetch(`${receiver.url}/metrics`)).text();
  expect(metrics).toContain('sluice_webhook_deliveries_total{status="202"} 1');
  expect((await fetch(`${receiver.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${receiver.url}/hooks/route1`)).status).toBe(405);
  expect((await fetch(`${receiver.url}/hooks/a/b`, { method: 'POST' })).status).toBe(404);
});

test('a delivery id that comes with another body is refused and logged; the same body under a new id is one job', async () => {
  expect(await post(payload)).toMatchObject({ status: 202, code: 'Queued' });
  const other = payload.replace('refs/heads/main', 'refs/heads/other');
  expect(await post(other)).toMatchObject({ status: 409, code: 'DeliveryIdTaken' });
  expect(logged).toContain('delivery id came with two bodies');
  expect(await post(payload, { 'x-github-delivery': 'd-2' })).toMatchObject({ status: 202, code: 'Duplicate' });
  expect(jobs.size).toBe(1);
});

const logOf = (path: string, method = 'GET', token = 'the token of the log') =>
  fetch(`${receiver.url}/deliveries${path}`, { method, headers: { authorization: `Bearer ${token}` } });

test('the delivery log lists, shows and replays what was accepted', async () => {
  await post(payload);
  const [id = ''] = jobs.keys();
  expect(await (await logOf('')).json()).toEqual([
    {
      id,
      state: 'waiting',
      attempts: 0,
      delivery: expect.any(String) as string,
      event: 'push',
      repository: 'ci/hello',
      receivedAt: '2026-01-01T00:00:00.000Z',
    },
  ]);
  expect(await (await logOf(`/${id}`)).json()).toMatchObject({ payload: { ref: 'refs/heads/main' } });
  expect(await (await logOf(`/${id}/replay`, 'POST')).json()).toMatchObject({
    code: 'NotReplayed',
    message: expect.stringContaining('it is waiting already') as string,
  });
  dead.add(id);
  expect((await logOf(`/${id}/replay`, 'POST')).status).toBe(202);
  expect((await logOf(`/${'0'.repeat(64)}/replay`, 'POST')).status).toBe(404);
});

test.for([
  { name: 'without the token', token: '', method: 'GET', path: '', status: 401 },
  { name: 'with the secret of a webhook', token: secret, method: 'GET', path: '', status: 401 },
  { name: 'by another method', token: undefined, method: 'DELETE', path: '', status: 405 },
  { name: 'for a name that is no id', token: undefined, method: 'GET', path: '/../../etc', status: 404 },
  { name: 'for an id that is too short', token: undefined, method: 'GET', path: '/abc', status: 404 },
])('the delivery log is refused $name', async ({ token, method, path, status }) => {
  expect((await logOf(path, method, token)).status).toBe(status);
});
