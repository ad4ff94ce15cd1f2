import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { type SpdyFrame, SpdyReader, SpdyWriter } from './spdy-frames.ts';

/** What kubectl asks for: SPDY/3.1 frames as the bytes of WebSocket messages. */
export const spdyProtocol = 'SPDY/3.1+portforward.k8s.io';

type DataStream = { readonly kind: 'data'; readonly connection: Duplex };
type ErrorStream = { readonly kind: 'error' };

const maxStreams = 1_000;

/** Serve kubectl's port-forward: each connection is a pair of streams, one for data, one for an error text. */
export async function serveSpdyPorts(socket: WebSocket, connect: (port: number) => Promise<Duplex>): Promise<void> {
  const tunnel = new Tunnel(socket, connect);
  const { promise, resolve } = Promise.withResolvers<void>();
  let queue = Promise.resolve();
  let waiting = 0;
  socket.on('message', (data: Buffer) => {
    waiting++;
    socket.pause();
    queue = queue
      .then(() => tunnel.take(data))
      .catch((error: unknown) => socket.close(1002, error instanceof Error ? error.message.slice(0, 120) : ''))
      .finally(() => {
        if (--waiting === 0) socket.resume();
      });
  });
  socket.on('error', () => resolve());
  socket.on('close', () => resolve());
  await promise;
  tunnel.close();
}

class Tunnel {
  readonly #socket: WebSocket;
  readonly #connect: (port: number) => Promise<Duplex>;
  readonly #reader = new SpdyReader();
  readonly #writer = new SpdyWriter();
  readonly #streams = new Map<number, DataStream | ErrorStream>();
  /** Request id → its error stream. */
  readonly #errors = new Map<string, number>();

  constructor(socket: WebSocket, connect: (port: number) => Promise<Duplex>) {
    this.#socket = socket;
    this.#connect = connect;
  }

  async take(bytes: Buffer): Promise<void> {
    for await (const frame of this.#reader.read(bytes)) await this.#frame(frame);
  }

  close(): void {
    for (const stream of this.#streams.values()) if (stream.kind === 'data') stream.connection.destroy();
    this.#reader.close();
    this.#writer.close();
  }

  async #frame(frame: SpdyFrame): Promise<void> {
    switch (frame.type) {
      case 'open':
        return this.#open(frame.stream, frame.headers);
      case 'data':
        return this.#data(frame.stream, frame.bytes, frame.last);
      case 'reset': {
        const stream = this.#streams.get(frame.stream);
        this.#streams.delete(frame.stream);
        if (stream?.kind === 'data') stream.connection.destroy();
        return;
      }
      case 'ping':
        return this.#send(this.#writer.ping(frame.id));
      case 'goaway':
        return this.#socket.close();
      default:
        frame satisfies never;
    }
  }

  async #open(id: number, headers: ReadonlyMap<string, string>): Promise<void> {
    if (this.#streams.size >= maxStreams) return this.#socket.close(1008, 'too many streams');
    const request = headers.get('requestid') ?? '';
    await this.#send(await this.#writer.accept(id));
    if (headers.get('streamtype') === 'error') {
      this.#streams.set(id, { kind: 'error' });
      this.#errors.set(request, id);
      return;
    }
    const port = Number(headers.get('port'));
    try {
      const connection = await this.#connect(port);
      this.#streams.set(id, { kind: 'data', connection });
      void this.#carry(id, request, connection);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await this.#finish(id, request, `error forwarding port ${port}: ${reason}`);
    }
  }

  async #carry(id: number, request: string, connection: Duplex): Promise<void> {
    connection.on('error', () => undefined);
    try {
      for await (const chunk of connection) await this.#send(this.#writer.data(id, chunk as Buffer));
    } catch {
      // The pod broke the connection off: the client sees its end.
    }
    await this.#finish(id, request, '');
  }

  async #finish(id: number, request: string, problem: string): Promise<void> {
    const errors = this.#errors.get(request);
    this.#errors.delete(request);
    this.#streams.delete(id);
    await this.#send(this.#writer.data(id, new Uint8Array(), true));
    if (errors === undefined) return;
    this.#streams.delete(errors);
    await this.#send(this.#writer.data(errors, Buffer.from(problem), true));
  }

  async #data(id: number, bytes: Buffer, last: boolean): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream?.kind !== 'data') return;
    const { connection } = stream;
    if (bytes.length > 0 && connection.writable && !connection.write(bytes)) await drained(connection);
    if (last) connection.end();
  }

  #send(bytes: Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.send(bytes, () => resolve());
    return promise;
  }
}

function drained(connection: Duplex): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  connection.once('drain', resolve);
  connection.once('close', resolve);
  return promise;
}
