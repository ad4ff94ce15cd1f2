import type { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import type { WebSocket } from 'ws';

/** Number of the channel whose second byte names a channel that will carry no more (v5). */
export const closeChannel = 255;

const pingMs = 30_000;

/** A WebSocket whose messages begin with the number of a channel. */
export class ChannelSocket {
  readonly #socket: WebSocket;
  readonly #gone = new AbortController();
  readonly #ping: NodeJS.Timeout;
  #alive = true;

  constructor(socket: WebSocket, onMessage: (channel: number, bytes: Buffer) => void) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const channel = data[0];
      if (channel !== undefined) onMessage(channel, data.subarray(1));
    });
    socket.on('pong', () => (this.#alive = true));
    socket.on('close', () => this.#end());
    socket.on('error', () => this.#end());
    this.#ping = setInterval(() => this.#check(), pingMs);
  }

  /** Fires when the connection has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Resolves once the bytes are with the operating system; never rejects. */
  send(channel: number, bytes: Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#write(channel, bytes, resolve);
    return promise;
  }

  #write(channel: number, bytes: Uint8Array, done: () => void): void {
    const message = Buffer.allocUnsafe(bytes.length + 1);
    message[0] = channel;
    message.set(bytes, 1);
    this.#socket.send(message, () => done());
  }

  /** Take no messages until `stream`, to which one was written that it had no room for, has drained. */
  pauseFor(stream: { once(event: 'drain' | 'close', listener: () => void): unknown }): void {
    this.#socket.pause();
    const go = (): void => this.#socket.resume();
    stream.once('drain', go);
    stream.once('close', go);
  }

  /** What is written to the stream is sent on a channel, no faster than the client takes it. */
  writable(channel: number): Writable {
    return new Writable({
      highWaterMark: 256 * 1024,
      write: (chunk: Uint8Array, _encoding, done) => this.#write(channel, chunk, done),
    });
  }

  /** Send everything that a stream has; resolves at its end, also when it breaks off. */
  async sendAll(channel: number, stream: Readable): Promise<void> {
    try {
      for await (const chunk of stream) await this.send(channel, chunk as Uint8Array);
    } catch {
      // The other side broke off: what there was has been sent.
    }
  }

  close(code = 1000, reason = ''): void {
    clearInterval(this.#ping);
    this.#socket.close(code, reason.slice(0, 120));
  }

  #check(): void {
    if (!this.#alive) return this.#socket.terminate();
    this.#alive = false;
    this.#socket.ping();
  }

  #end(): void {
    clearInterval(this.#ping);
    this.#gone.abort();
  }
}
