import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { ChannelSocket } from './channel-socket.ts';

/** The protocol of port-forward with `?ports=`: of port number i, channel 2i carries data and 2i+1 an error text. */
export const portProtocol = 'v4.channel.k8s.io';

const maxWaiting = 1024 * 1024;

type Port = { readonly index: number; connection: Duplex | undefined; waiting: Buffer[]; bytes: number };

/** Connect every port at once and carry bytes until the client goes or all connections have ended. */
export async function servePorts(
  socket: WebSocket,
  numbers: readonly number[],
  connect: (port: number) => Promise<Duplex>,
): Promise<void> {
  const ports: Port[] = numbers.map((_, index) => ({ index, connection: undefined, waiting: [], bytes: 0 }));
  const channel: ChannelSocket = new ChannelSocket(socket, (number, bytes) => {
    const port = number % 2 === 0 ? ports[number / 2] : undefined;
    if (port) toPort(port, bytes, channel);
  });
  await Promise.all(
    ports.map(async (port) => {
      const number = numbers[port.index] ?? 0;
      const prefix = Buffer.from([number & 0xff, number >> 8]);
      await channel.send(port.index * 2, prefix);
      await channel.send(port.index * 2 + 1, prefix);
      try {
        await carry(port, await connect(number), channel);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        await channel.send(port.index * 2 + 1, Buffer.from(`error forwarding port ${number}: ${reason}`));
      }
    }),
  );
  channel.close();
}

async function carry(port: Port, connection: Duplex, channel: ChannelSocket): Promise<void> {
  const end = (): void => void connection.destroy();
  channel.gone.addEventListener('abort', end, { once: true });
  if (channel.gone.aborted) end();
  connection.on('error', end);
  const closed = once(connection, 'close');
  port.connection = connection;
  for (const bytes of port.waiting) connection.write(bytes);
  port.waiting = [];
  await channel.sendAll(port.index * 2, connection);
  connection.destroy();
  await closed;
  channel.gone.removeEventListener('abort', end);
}

/** What comes before the connection stands waits for it, up to a bound. */
function toPort(port: Port, bytes: Buffer, channel: ChannelSocket): void {
  if (port.connection) {
    if (port.connection.writable && !port.connection.write(bytes)) channel.pauseFor(port.connection);
    return;
  }
  port.bytes += bytes.length;
  if (port.bytes > maxWaiting) channel.close(1009, 'too much was sent before the port was connected');
  else port.waiting.push(bytes);
}
