import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpRequest, Log } from '@sluice/runtime';
import { type WebSocket, WebSocketServer } from 'ws';
import { flag } from '../http/query.ts';
import { parseResourcePath, type ResourcePath } from '../http/request-path.ts';
import { badRequest, notSupported, StatusError, statusObject, unknownResource } from '../http/status-error.ts';
import { isRecord, listAt, textAt } from '../objects/json.ts';
import type { Api, User } from '../rest/api.ts';
import { requireEntry } from '../rest/read.ts';
import { type Authorizer, requireAllowed } from '../security/authorizer.ts';
import { commandProtocols, serveCommand } from './command-session.ts';
import type { PodSessions } from './pod-sessions.ts';
import { portProtocol, servePorts } from './port-channels.ts';
import { serveSpdyPorts, spdyProtocol } from './spdy-ports.ts';

/** What upgrades need of the server. `userOf` throws or returns undefined for who is not known. */
export type UpgradePorts = {
  readonly api: Api;
  readonly authorizer: Authorizer;
  readonly userOf: (request: HttpRequest) => Promise<User | undefined>;
  readonly sessions: PodSessions | undefined;
  readonly log: Log;
};

const streamNames: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward']);
const maxMessage = 32 * 1024 * 1024;
const maxPorts = 64;

/** Answer requests that turn into a stream: exec, attach and port-forward of pods. Others are answered as without `Upgrade`. */
export function serveUpgrades(server: Server, ports: UpgradePorts): void {
  const isStream = (request: IncomingMessage): boolean => pathOf(request)?.subresource !== undefined;
  Object.assign(server, { shouldUpgradeCallback: isStream });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    void upgrade(ports, request, socket, head).catch((error: unknown) => refuse(socket, error, ports.log));
  });
}

function pathOf(request: IncomingMessage): ResourcePath | undefined {
  const url = request.url ?? '';
  try {
    const path = parseResourcePath(url.split('?', 1)[0] ?? '');
    return path?.plural === 'pods' && path.group === '' && streamNames.has(path.subresource) ? path : undefined;
  } catch {
    return undefined;
  }
}

async function upgrade(ports: UpgradePorts, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { api, sessions } = ports;
  const path = pathOf(request);
  if (!path) throw unknownResource();
  await authorize(ports, request, path);
  const kind = api.registry.find('', 'v1', 'pods');
  if (!kind) throw unknownResource();
  const pod = requireEntry(api, { kind, path }).object;
  const query = new URL(request.url ?? '', 'https://localhost').searchParams;
  if (!sessions) throw notSupported(`${path.subresource} without a node agent`);
  if (path.subresource === 'portforward') return forwardPorts(sessions, { path, query, request, socket, head });
  const container = containerOf(pod, query, path);
  const wanted = {
    stdin: flag(query, 'stdin'),
    stdout: flag(query, 'stdout'),
    stderr: flag(query, 'stderr') && !flag(query, 'tty'),
  };
  const command = query.getAll('command');
  const isExec = path.subresource === 'exec';
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  if (isExec && command.length === 0) throw badRequest('you must specify at least one command for the container');
  const key = { namespace: path.namespace, name: path.name };
  const tty = flag(query, 'tty');
  webSocket(request, socket, head, commandProtocols, (opened) => {
    return serveCommand(opened, wanted, (streams) =>
      isExec
        ? sessions.exec(key, { container, command, tty }, streams)
        : sessions.attach(key, { container, tty }, streams),
    );
  });
}

type ForwardParts = {
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
};

function forwardPorts(sessions: PodSessions, { path, query, request, socket, head }: ForwardParts): void {
  const key = { namespace: path.namespace, name: path.name };
  const connect = (port: number): Promise<Duplex> => {
    if (!isPort(port)) throw badRequest(`${port} is not a port`);
    return sessions.forward(key, port);
  };
  const numbers = query.getAll('ports').flatMap((text) => text.split(',').map(Number));
  if (numbers.length > 0) {
    if (!numbers.every(isPort)) throw badRequest(`"ports" must be numbers from 1 to 65535`);
    if (numbers.length > maxPorts) throw badRequest(`at most ${maxPorts} ports can be forwarded at once`);
    return webSocket(request, socket, head, [portProtocol], (opened) => servePorts(opened, numbers, connect));
  }
  webSocket(request, socket, head, [spdyProtocol], (opened) => serveSpdyPorts(opened, connect));
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

/** The verb of the method, and `create`: whoever opens a stream starts something, whatever the method. */
async function authorize(ports: UpgradePorts, request: IncomingMessage, path: ResourcePath): Promise<void> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const user = await ports.userOf({ method: request.method ?? 'GET', path: request.url ?? '', headers });
  if (!user) throw new StatusError(401, 'Unauthorized', 'Unauthorized');
  const { namespace, name, subresource } = path;
  for (const verb of request.method === 'GET' ? ['get', 'create'] : ['create']) {
    const attributes = { verb, group: '', resource: 'pods', subresource, namespace, name, path: '' };
    requireAllowed(ports.authorizer, user, attributes);
  }
}

function containerOf(pod: unknown, query: URLSearchParams, path: ResourcePath): string {
  const phase = textAt(pod, 'status', 'phase');
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw badRequest(`cannot exec into or attach to a container in a completed pod; current phase is ${phase}`);
  }
  const namesIn = (field: string) =>
    listAt(pod, 'spec', field)
      .filter(isRecord)
      .map((one) => textAt(one, 'name'));
  const main = namesIn('containers');
  const asked = query.get('container') ?? '';
  if (asked === '' && main.length > 1) {
    throw badRequest(`a container name must be specified for pod ${path.name}, choose one of: [${main.join(' ')}]`);
  }
  if (asked !== '' && ![...main, ...namesIn('initContainers')].includes(asked)) {
    throw badRequest(`container ${asked} is not valid for pod ${path.name}`);
  }
  return asked === '' ? (main[0] ?? '') : asked;
}

function webSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  spoken: readonly string[],
  serve: (socket: WebSocket) => Promise<void>,
): void {
  if ((request.headers.upgrade ?? '').toLowerCase() !== 'websocket') {
    const asked = request.headers.upgrade ?? 'none';
    throw badRequest(`unable to upgrade: this server speaks WebSocket (${spoken.join(', ')}), not "${asked}"`);
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const protocol = spoken.find((name) => offered.includes(name));
  if (protocol === undefined) {
    throw badRequest(`unable to upgrade: none of the offered protocols is spoken here (${spoken.join(', ')})`);
  }
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessage,
  });
  // The package refuses names with a slash, which kubectl's has: the protocol is agreed upon without its knowledge.
  delete request.headers['sec-websocket-protocol'];
  server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  server.handleUpgrade(request, socket, head, (opened) => {
    serve(opened).catch(() => opened.terminate());
  });
}

function refuse(socket: Duplex, error: unknown, log: Log): void {
  if (!(error instanceof StatusError)) log.error('an upgrade failed', { error });
  const status =
    error instanceof StatusError ? error : new StatusError(500, 'InternalError', 'Internal error occurred');
  const body = Buffer.from(JSON.stringify(statusObject(status)));
  const head = [
    `HTTP/1.1 ${status.code} ${status.reason}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}
