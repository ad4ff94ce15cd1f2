import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** An etcd of its own, over a directory, to put keys into. */
export type Etcd = {
  readonly version: string;
  /** Store a value; resolves when etcd says that it is durable. Calls are spread over this many connections. */
  put(connection: number, key: string, value: string): Promise<void>;
  close(): void;
};

/** Start the etcd of the machine; undefined when there is none. */
export async function startEtcd(directory: string, connections: number): Promise<Etcd | undefined> {
  const version = await versionOfEtcd();
  if (version === undefined) return undefined;
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const child = spawn('etcd', [
    `--data-dir=${join(directory, 'etcd')}`,
    '--log-level=error',
    `--initial-cluster=default=${peerUrl}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
  ]);
  const sessions = await opened(url, connections, child);
  return {
    version,
    put: (connection, key, value) => put(sessions[connection % sessions.length], key, value),
    close() {
      for (const session of sessions) session.destroy();
      child.kill('SIGKILL');
    },
  };
}

async function versionOfEtcd(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('etcd', ['--version']);
    return /etcd Version: (\S+)/u.exec(stdout)?.[1] ?? 'unknown';
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

async function opened(url: string, count: number, child: ChildProcess): Promise<readonly ClientHttp2Session[]> {
  const until = performance.now() + 20_000;
  for (;;) {
    const first = connect(url);
    first.on('error', () => undefined);
    try {
      await put(first, 'ready', 'yes');
      const others = Array.from({ length: count - 1 }, () => connect(url));
      return [first, ...others];
    } catch (error) {
      first.destroy();
      if (child.exitCode !== null || performance.now() > until) throw error;
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }
}

/** One call of etcdserverpb.KV/Put, by hand: a message is five bytes of header and the fields key = 1 and value = 2. */
function put(session: ClientHttp2Session | undefined, key: string, value: string): Promise<void> {
  const message = Buffer.concat([field(1, key), field(2, value)]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return new Promise((resolve, reject) => {
    if (!session) return reject(new Error('no connection to etcd'));
    const headers = { ':method': 'POST', ':path': '/etcdserverpb.KV/Put', te: 'trailers' };
    const stream = session.request({ ...headers, 'content-type': 'application/grpc' });
    let status = '';
    stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'])));
    stream.on('response', (answer) => (status = String(answer['grpc-status'] ?? '')));
    stream.on('error', reject);
    stream.on('close', () => (status === '0' ? resolve() : reject(new Error(`etcd answered with status ${status}`))));
    stream.resume();
    stream.end(Buffer.concat([head, message]));
  });
}

function field(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length, rest]), bytes]);
}
