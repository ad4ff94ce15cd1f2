import type { HttpRequest, HttpResponse, Log } from '@sluice/runtime';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type Duplex, pipeline, Readable, type Writable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { identify } from './credentials.ts';
import type { GitProcess } from './git-process.ts';
import { encodePacket, flushPacket } from './pkt-line.ts';
import type { ProcReceivePipes } from './proc-receive.ts';
import type { RepoRecord } from './records.ts';
import type { RepositoryGit } from './repository-git.ts';
import { spoolName } from './spool.ts';

/** What smart HTTP needs from the forge. */
export type SmartHttpPorts = {
  readonly git: GitProcess;
  readonly token: string;
  readonly log: Log;
  readonly newId: () => string;
  readonly repo: (name: string) => RepoRecord | undefined;
  readonly open: (repo: RepoRecord) => RepositoryGit;
  /** Answers pushes to refs/for. */
  readonly serveHook: (repo: RepoRecord, pusher: string, pipes: ProcReceivePipes) => Promise<void>;
  /** Called after receive-pack has ended and before the pusher has the end of the answer. */
  readonly afterPush: (repo: RepoRecord, clean: boolean) => Promise<void>;
  readonly maxPackBytes: number;
};

type Service = 'git-upload-pack' | 'git-receive-pack';

const route = /^\/([a-z0-9][a-z0-9._-]{0,62})\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/;
const maxChildren = 64;
const longestRunMs = 30 * 60_000;

/** The git half of the handler; undefined for a path that is not git's. */
export function createSmartHttp(ports: SmartHttpPorts): (request: HttpRequest) => Promise<HttpResponse> | undefined {
  const running = { children: 0 };
  return (request) => {
    const [path = '', query = ''] = request.path.split('?');
    const match = route.exec(path);
    if (!match) return undefined;
    const [, name = '', action = ''] = match;
    const advertise = action === 'info/refs';
    const service = advertise ? new URLSearchParams(query).get('service') : action;
    return serve(ports, running, request, { name, service, advertise });
  };
}

type Running = { children: number };
type Asked = { readonly name: string; readonly service: string | null; readonly advertise: boolean };

async function serve(
  ports: SmartHttpPorts,
  running: Running,
  request: HttpRequest,
  { name, service, advertise }: Asked,
): Promise<HttpResponse> {
  if (request.method !== (advertise ? 'GET' : 'POST')) return plain(405, 'method not allowed\n');
  if (service !== 'git-upload-pack' && service !== 'git-receive-pack') {
    return plain(403, 'only the smart HTTP protocol is served; use a git of this century\n');
  }
  const identity = identify(request.headers['authorization'], ports.token);
  if (service === 'git-receive-pack' && !identity) {
    const text = 'pushing needs a password: the token of this forge (see context.json in the data directory)\n';
    return plain(401, text, { 'www-authenticate': 'Basic realm="Sluice", charset="UTF-8"' });
  }
  const repo = ports.repo(name);
  if (!repo) return plain(404, `there is no repository ${name} here; add it with: sluice repo add ${name}\n`);
  if (!advertise && request.headers['content-type'] !== `application/x-${service}-request`) {
    return plain(415, `content-type must be application/x-${service}-request\n`);
  }
  if (running.children >= maxChildren) {
    return plain(503, 'too many git requests at once; try again\n', { 'retry-after': '2' });
  }
  const context: Context = { ports, running, request, repo, service, login: identity?.login ?? 'anonymous' };
  return advertise ? advertiseRefs(context) : runService(context);
}

type Context = {
  readonly ports: SmartHttpPorts;
  readonly request: HttpRequest;
  readonly repo: RepoRecord;
  readonly service: Service;
  readonly login: string;
  readonly running: Running;
};

async function advertiseRefs({ ports, running, request, repo, service }: Context): Promise<HttpResponse> {
  const { gitDir } = ports.open(repo);
  const env = protocolEnvironment(request, service);
  const args = [service.slice('git-'.length), '--stateless-rpc', '--advertise-refs', gitDir];
  running.children++;
  try {
    const { bytes } = await ports.git.run(args, { env, maxBytes: 64 * 1024 * 1024 });
    const preamble = env['GIT_PROTOCOL']?.includes('version=2')
      ? Buffer.alloc(0)
      : Buffer.concat([encodePacket(`# service=${service}\n`), flushPacket]);
    const headers = { ...noCache, 'content-type': `application/x-${service}-advertisement` };
    return { status: 200, headers, body: Buffer.concat([preamble, bytes]) };
  } finally {
    running.children--;
  }
}

async function runService(context: Context): Promise<HttpResponse> {
  const { ports, request, repo, service, login } = context;
  const { gitDir, spool } = ports.open(repo);
  const receiving = service === 'git-receive-pack';
  const child = ports.git.spawn([service.slice('git-'.length), '--stateless-rpc', gitDir], {
    hookPipes: receiving,
    env: {
      ...protocolEnvironment(request, service),
      ...(receiving ? { SLUICE_SPOOL: spool, SLUICE_PUSH: spoolName(login, ports.newId()) } : {}),
    },
  });
  const ended = whenEnded(context, child);
  child.stderr?.on('data', (chunk: Buffer) => {
    ports.log.debug('git said', { repository: repo.name, service, text: chunk.toString('utf8').slice(0, 1_000) });
  });
  if (receiving) joinHook(context, child);
  else request.signal?.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  void feed(context, child);
  const headers = { ...noCache, 'content-type': `application/x-${service}-result` };
  return { status: 200, headers, body: childOutput(child, ended) };
}

/** Resolves when the child is gone and, after a push, its updates are stored. Never rejects. */
function whenEnded({ ports, running, repo, service }: Context, child: ChildProcess): Promise<void> {
  running.children++;
  const timer = setTimeout(() => child.kill('SIGKILL'), longestRunMs);
  return new Promise((resolve) => {
    child.once('error', (error) => ports.log.error('git could not be started', { repository: repo.name, error }));
    child.once('close', (code) => {
      clearTimeout(timer);
      running.children--;
      if (service === 'git-upload-pack') return resolve();
      ports.afterPush(repo, code === 0).then(resolve, (error: unknown) => {
        ports.log.error('push could not be announced yet', { repository: repo.name, error });
        resolve();
      });
    });
  });
}

function joinHook({ ports, repo, login }: Context, child: ChildProcess): void {
  const pipes = { packets: child.stdio[3] as Duplex, text: child.stdio[4] as Duplex };
  pipes.packets.on('error', () => undefined);
  pipes.text.on('error', () => undefined);
  void ports.serveHook(repo, login, pipes);
  child.once('exit', () => pipes.text.destroy());
}

/** Pass the request body on, unpacked. A body that breaks off, is too long or badly packed makes git refuse the pack. */
async function feed({ ports, request, repo, service }: Context, child: ChildProcess): Promise<void> {
  const stdin = child.stdin as Writable;
  stdin.on('error', () => undefined);
  let length = 0;
  try {
    for await (const chunk of unpacked(request)) {
      length += chunk.length;
      if (length > ports.maxPackBytes) throw new Error(`the request is longer than ${ports.maxPackBytes} bytes`);
      if (stdin.destroyed) return;
      if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
    }
    stdin.end();
  } catch (error) {
    ports.log.warn('git request broke off', { repository: repo.name, service, error });
    stdin.destroy();
    if (service === 'git-upload-pack') child.kill('SIGTERM');
  }
}

async function* unpacked({ body, headers }: HttpRequest): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  const chunks = typeof body === 'string' ? [Buffer.from(body)] : body instanceof Uint8Array ? [body] : body;
  if (headers['content-encoding'] !== 'gzip' && headers['content-encoding'] !== 'x-gzip') {
    yield* chunks;
    return;
  }
  const gunzip = createGunzip();
  pipeline(Readable.from(chunks), gunzip, () => undefined);
  yield* gunzip as AsyncIterable<Uint8Array>;
}

/**
 * What git prints. After a push the spool is drained before the last bytes go out, so whoever sees `git push` succeed
 * knows that its webhook is stored. When the client goes, a push is still taken to its end.
 */
async function* childOutput(child: ChildProcess, ended: Promise<void>): AsyncGenerator<Uint8Array> {
  const stdout = child.stdout as Readable;
  let held: Uint8Array | undefined;
  try {
    for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
      if (held) yield held;
      held = chunk as Uint8Array;
    }
    await ended;
    if (held) yield held;
  } finally {
    stdout.resume();
  }
}

function protocolEnvironment(request: HttpRequest, service: Service): Record<string, string> {
  const protocol = request.headers['git-protocol'];
  if (!protocol || !/^version=[0-2]$/.test(protocol)) return {};
  return service === 'git-receive-pack' && protocol === 'version=2' ? {} : { GIT_PROTOCOL: protocol };
}

const noCache = { 'cache-control': 'no-cache, max-age=0, must-revalidate', expires: 'Fri, 01 Jan 1980 00:00:00 GMT' };

function plain(status: number, text: string, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: text };
}
