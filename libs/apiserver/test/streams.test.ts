import { once } from 'node:events';
import { request } from 'node:https';
import { createServer, connect as connectTcp } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
let echoPort = 0;
const echo = createServer((socket) => socket.pipe(socket).on('error', () => undefined));
beforeAll(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  echoPort = (echo.address() as AddressInfo).port;
  server = await startTestApiServer({
    podSessions: {
      async exec(pod, { command, container, tty }, { stdin, stdout, stderr, onResize }) {
        const [program = '', argument = ''] = command;
        if (program === 'cat' && stdin) stdout?.write(await readText(stdin));
        if (program === 'where') stdout?.write(`${pod.namespace}/${pod.name} ${container} ${tty}`);
        if (program === 'complain') stderr?.write('no!');
        if (program === 'size')
          await new Promise<void>((resolve) => onResize(({ width }) => (stdout?.write(`${width}`), resolve())));
        if (program === 'missing') throw new Error('no such program');
        return { code: program === 'exit' ? Number(argument) : 0 };
      },
      async attach(_pod, _options, { stdout }) {
        stdout?.write('attached');
        return { code: 0 };
      },
      async forward(_pod, port) {
        const socket = connectTcp(port === 80 ? echoPort : 1, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      },
    },
  });
  send = testClient(server.handle);
  const containers = [
    { name: 'main', image: 'i' },
    { name: 'side', image: 'i' },
  ];
  await send('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'p' }, spec: { containers } });
});
afterAll(async () => {
  await server.close();
  echo.close();
});

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

type Session = {
  readonly socket: WebSocket;
  /** Everything that came on a channel so far. */
  readonly on: (channel: number) => string;
  readonly closed: Promise<unknown>;
};

function open(path: string, spoken: readonly string[] = protocols, token = server.token): Promise<Session> {
  const url = `${server.url.replace('https', 'wss')}/api/v1/namespaces/default/pods/p/${path}`;
  const socket = new WebSocket(url, [...spoken], { ca: server.ca, headers: { authorization: `Bearer ${token}` } });
  const parts: Buffer[][] = [];
  socket.on('message', (data: Buffer) => (parts[data[0] ?? 0] ??= []).push(data.subarray(1)));
  const closed = once(socket, 'close');
  closed.catch(() => undefined);
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_, answer) => {
      readText(answer).then((body) => reject(new Error(body)), reject);
    });
    socket.on('error', reject);
    socket.on('open', () =>
      resolve({ socket, closed, on: (channel) => Buffer.concat(parts[channel] ?? []).toString() }),
    );
  });
}

const message = (channel: number, text: string): Buffer => Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
const refusal = (path: string, spoken?: readonly string[], token?: string): Promise<string> =>
  open(path, spoken, token).then(
    () => 'opened',
    (error: Error) => String((JSON.parse(error.message) as { message: string }).message),
  );

describe('exec', () => {
  test('carries stdin to its end, and tells of success', async () => {
    const { socket, on, closed } = await open('exec?container=main&command=cat&stdin=true&stdout=true');
    socket.send(message(0, 'hello '));
    socket.send(message(0, 'there'));
    socket.send(Buffer.from([255, 0]));
    await closed;
    expect([on(1), JSON.parse(on(3))]).toEqual(['hello there', { metadata: {}, status: 'Success' }]);
  });

  test('tells the exit code, and keeps stdout and stderr apart', async () => {
    const failed = await open('exec?container=main&command=exit&command=7&stdout=true');
    await failed.closed;
    expect(JSON.parse(failed.on(3))).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    });
    const loud = await open('exec?container=main&command=complain&stdout=true&stderr=true');
    await loud.closed;
    expect([loud.on(1), loud.on(2)]).toEqual(['', 'no!']);
  });

  test('goes to the container that is named, in the protocol that both speak', async () => {
    const { socket, on, closed } = await open('exec?container=side&command=where&stdout=true&tty=true', [
      'v4.channel.k8s.io',
    ]);
    await closed;
    expect([socket.protocol, on(1)]).toEqual(['v4.channel.k8s.io', 'default/p side true']);
  });

  test('passes the size of the terminal on', async () => {
    const { socket, on, closed } = await open('exec?container=main&command=size&stdout=true&tty=true');
    for (const size of ['nonsense', '{"Width":-1,"Height":5}', '{"Width":120,"Height":40}'])
      socket.send(message(4, size));
    await closed;
    expect(on(1)).toBe('120');
  });

  test('of what cannot be begun ends with an internal error', async () => {
    const { on, closed } = await open('exec?container=main&command=missing&stdout=true');
    await closed;
    expect(JSON.parse(on(3))).toMatchObject({ status: 'Failure', reason: 'InternalError', code: 500 });
  });

  test.for([
    [
      'without a container, of a pod with two',
      'exec?command=cat&stdout=true',
      /a container name must be specified for pod p, choose one of: \[main side\]/,
    ],
    [
      'of a container that is not there',
      'exec?container=x&command=cat&stdout=true',
      /container x is not valid for pod p/,
    ],
    ['without a command', 'exec?container=main&stdout=true', /at least one command/],
    ['without a stream', 'exec?container=main&command=cat', /at least 1 of stdin, stdout, stderr/],
  ] as const)('%s is refused with a Status', async ([, path, words]) => {
    expect(await refusal(path)).toMatch(words);
  });

  test('needs a token, a role, and a protocol that is spoken', async () => {
    const path = 'exec?container=main&command=cat&stdout=true';
    expect(await refusal(path, protocols, 'wrong')).toBe('Unauthorized');
    expect(await refusal(path, ['v1.channel.k8s.io'])).toMatch(/none of the offered protocols is spoken here/);
    await send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'weak' } });
    const { body } = await send('POST', '/api/v1/namespaces/default/serviceaccounts/weak/token', { spec: {} });
    expect(await refusal(path, protocols, body.status.token)).toMatch(/cannot get resource "pods\/exec"/);
  });
});

test('attach joins what runs', async () => {
  const { on, closed } = await open('attach?container=main&stdout=true');
  await closed;
  expect(on(1)).toBe('attached');
});

describe('port-forward', () => {
  test('carries bytes both ways, each port on a pair of channels', async () => {
    const { socket, on, closed } = await open('portforward?ports=80', ['v4.channel.k8s.io']);
    socket.send(message(0, 'ping'));
    await expect.poll(() => on(0)).toBe('P\0ping');
    expect(on(1)).toBe('P\0');
    socket.close();
    await closed;
  });

  test('says why a port cannot be reached', async () => {
    const { on, closed } = await open('portforward?ports=81', ['v4.channel.k8s.io']);
    await closed;
    expect(on(1)).toMatch(/^Q\0error forwarding port 81: .*ECONNREFUSED/);
  });

  test.for(['portforward?ports=0', 'portforward?ports=70000', 'portforward?ports=x'])('%s is refused', async (path) => {
    expect(await refusal(path, ['v4.channel.k8s.io'])).toBe('"ports" must be numbers from 1 to 65535');
  });

  test('what is no SPDY in the tunnel ends it, not the server', async () => {
    const socket = await openTunnel();
    const bytes = Buffer.from('80030001ff000004deadbeef', 'hex');
    // One masked binary message of WebSocket; the mask is zero.
    socket.write(Buffer.concat([Buffer.from([0x82, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    // A close frame with code 1002, protocol error.
    expect([answer[0], answer.readUInt16BE(2)]).toEqual([0x88, 1002]);
    socket.destroy();
    expect((await send('GET', '/readyz')).status).toBe(200);
  });
});

/** The tunnel that kubectl asks for: its protocol has a name that client libraries refuse. */
function openTunnel(): Promise<Duplex> {
  const headers = {
    authorization: `Bearer ${server.token}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io',
  };
  return new Promise((resolve, reject) => {
    const path = '/api/v1/namespaces/default/pods/p/portforward';
    const sent = request(server.url + path, { ca: server.ca, headers, agent: false });
    sent.on('upgrade', (_, socket) => resolve(socket));
    sent.on('error', reject);
    sent.end();
  });
}

test('a message longer than is taken ends the session, not the server', async () => {
  const { socket, closed } = await open('exec?container=main&command=cat&stdin=true&stdout=true');
  socket.on('error', () => undefined);
  socket.send(Buffer.alloc(33 * 1024 * 1024));
  await closed;
  expect((await send('GET', '/readyz')).status).toBe(200);
});

test('a stream that is asked for without an upgrade is refused by name', async () => {
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { authorization: `Bearer ${server.token}` };
    const path = '/api/v1/namespaces/default/pods/p/exec?command=cat&stdout=true';
    const sent = request(server.url + path, { method: 'POST', ca: server.ca, headers }, (reply) => {
      resolve(reply.resume().statusCode);
    });
    sent.on('error', reject);
    sent.end();
  });
  expect(answer).toBeGreaterThanOrEqual(400);
});
