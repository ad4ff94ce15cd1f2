import { createServer, type Server } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import type { DataDirectory } from './data-directory.ts';

/** The loopback networks of one embedded cluster: the first two numbers of pod and Service addresses. */
export type Network = { readonly pods: string; readonly services: string; release(): void };

const count = 32;
const firstPods = 64;
const firstServices = 96;
const claimPort = 47_443;

/**
 * Choose networks that no other cluster of this machine uses, once for a data directory. A running cluster claims its
 * network by listening on the last address of it, so that several can run side by side.
 */
export async function chooseNetwork(data: DataDirectory, random: () => number): Promise<Network> {
  const file = data.file('network');
  const stored = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  if (stored !== undefined && Number.isInteger(stored) && stored >= 0 && stored < count) {
    return toNetwork(stored, await claim(stored));
  }
  const start = Math.floor(random() * count);
  for (let step = 0; step < count; step++) {
    const number = (start + step) % count;
    const claimed = await claim(number);
    if (!claimed && step < count - 1) continue;
    data.writePrivate('network', `${number}\n`);
    return toNetwork(number, claimed);
  }
  throw new Error('unreachable: the last network is taken as it is');
}

function toNetwork(number: number, claimed: Server | undefined): Network {
  return {
    pods: `127.${firstPods + number}`,
    services: `127.${firstServices + number}`,
    release: () => claimed?.close(),
  };
}

function claim(number: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(claimPort, `127.${firstServices + number}.255.254`, () => {
      server.unref();
      resolve(server);
    });
  });
}
