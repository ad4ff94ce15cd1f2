import { connect, type Socket } from 'node:net';
import type { ObjectKey } from '@sluice/model';
import type { ContainerRun } from './container/container-run.ts';
import type { SessionEnd, SessionStreams } from './container/exec-session.ts';
import { PodLogError } from './pod-logs.ts';
import type { PodWorker } from './pod/pod-worker.ts';

/** What clients do with running containers. All reject with a PodLogError where there is nothing to do it with. */
export type PodSessions = {
  /** Run a command in a container. */
  exec(
    key: ObjectKey,
    options: { readonly container: string; readonly command: readonly string[]; readonly tty: boolean },
    streams: SessionStreams,
  ): Promise<SessionEnd>;
  /** Join the streams of a container's own process. */
  attach(key: ObjectKey, options: { readonly container: string }, streams: SessionStreams): Promise<SessionEnd>;
  /** A connection to a port of the pod's address. */
  forward(key: ObjectKey, port: number): Promise<Socket>;
};

const connectMs = 10_000;

/** The sessions of the pods that `find` knows. */
export function podSessions(find: (key: ObjectKey) => PodWorker | undefined): PodSessions {
  const worker = (key: ObjectKey): PodWorker => {
    const found = find(key);
    if (!found) throw new PodLogError(404, 'NotFound', `pods "${key.name}" not found`);
    return found;
  };
  const run = (key: ObjectKey, container: string): ContainerRun => {
    const found = worker(key).running(container);
    if (!found) throw new PodLogError(500, 'InternalError', `container not found ("${container}"): it does not run`);
    return found;
  };
  return {
    exec: async (key, { container, command, tty }, streams) => run(key, container).exec(command, tty, streams),
    attach: async (key, { container }, streams) => run(key, container).attach(streams),
    forward: async (key, port) => {
      const { ip } = worker(key).state;
      if (ip === undefined) throw new PodLogError(500, 'InternalError', `pod "${key.name}" has no address yet`);
      return connected(ip, port);
    },
  };
}

function connected(host: string, port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host, port, allowHalfOpen: true, timeout: connectMs });
  socket.once('connect', () => {
    socket.setTimeout(0);
    socket.off('error', reject);
    resolve(socket);
  });
  socket.once('timeout', () => socket.destroy(new Error(`no connection to ${host}:${port} within ${connectMs} ms`)));
  socket.once('error', reject);
  return promise;
}
