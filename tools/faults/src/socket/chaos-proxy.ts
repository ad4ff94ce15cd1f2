import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Random } from '../random.ts';

export type ChaosProxyOptions = {
  /** Port of 127.0.0.1 that connections are passed on to. */
  readonly target: number;
  readonly random: Random;
  /** False while all is well. */
  readonly active: () => boolean;
  readonly counts: Map<string, number>;
};

/** A TCP proxy whose connections break. */
export type ChaosProxy = { readonly port: number; close(): Promise<void> };

/** Of each piece of data: the chance that the connection is reset, torn in the middle of it, or goes silent. */
const cutRate = 0.02;
const tearRate = 0.01;
const silenceRate = 0.01;
const delayRate = 0.1;
const maxDelayMs = 60;
/** A silent connection is reset after this time: nobody waits for the silence timers of hours in a test of seconds. */
const maxSilenceMs = 2_000;

/** Pass connections on to a port, with resets, torn data, delays and silence. What a silent connection was given is lost. */
export async function startChaosProxy(options: ChaosProxyOptions): Promise<ChaosProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(options.target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
    }
    const reset = (): void => {
      if (!client.destroyed) client.resetAndDestroy();
      if (!upstream.destroyed) upstream.resetAndDestroy();
    };
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', reset);
      from.on('end', () => to.end());
      void passOn(from, to, { ...options, reset });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function passOn(from: Socket, to: Socket, options: ChaosProxyOptions & { reset: () => void }): Promise<void> {
  const { random, active, counts, reset } = options;
  const hits = (name: string, rate: number): boolean => {
    if (!active() || !random.chance(rate)) return false;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return true;
  };
  try {
    for await (const piece of from as AsyncIterable<Buffer>) {
      if (hits('tcp delay', delayRate)) await pause(random.between(1, maxDelayMs));
      if (hits('tcp reset', cutRate)) return reset();
      if (hits('tcp silence', silenceRate)) {
        await pause(random.between(200, maxSilenceMs));
        return reset();
      }
      if (hits('tcp tear', tearRate)) {
        to.write(piece.subarray(0, random.between(0, piece.length - 1)), reset);
        return;
      }
      if (!to.writable) return;
      if (!to.write(piece)) await once(to, 'drain', { signal: AbortSignal.timeout(10_000) });
    }
  } catch {
    // The other side has gone: so does this one.
    reset();
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
