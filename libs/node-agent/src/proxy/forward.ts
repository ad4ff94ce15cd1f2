import { connect, type Socket } from 'node:net';
import type { Target } from './endpoint-table.ts';

/** How long one endpoint may take to accept. */
export const connectTimeoutMs = 3_000;

/**
 * Join a client to the first target that accepts. Resolves once joined or given up; a client that no target takes is
 * reset at once. The connection then lives as long as both ends want, whatever becomes of the endpoint list.
 */
export async function forward(client: Socket, targets: readonly Target[]): Promise<boolean> {
  client.on('error', () => client.destroy());
  for (const target of targets) {
    if (client.destroyed) return false;
    const upstream = await tryConnect(target);
    if (!upstream) continue;
    join(client, upstream);
    return true;
  }
  client.resetAndDestroy();
  return false;
}

function tryConnect({ ip, port }: Target): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
  const socket = connect({ host: ip, port, allowHalfOpen: true });
  const end = (result: Socket | undefined): void => {
    clearTimeout(cut);
    socket.removeAllListeners('error');
    if (!result) socket.destroy();
    resolve(result);
  };
  const cut = setTimeout(() => end(undefined), connectTimeoutMs);
  socket.once('connect', () => end(socket));
  socket.once('error', () => end(undefined));
  return promise;
}

function join(client: Socket, upstream: Socket): void {
  client.setNoDelay(true);
  upstream.setNoDelay(true);
  const cut = (one: Socket, other: Socket): void => {
    one.on('error', () => other.resetAndDestroy());
    one.on('close', (failed) => {
      if (failed || !one.readableEnded) other.destroy();
    });
  };
  cut(client, upstream);
  cut(upstream, client);
  client.pipe(upstream);
  upstream.pipe(client);
}
