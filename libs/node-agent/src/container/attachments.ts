import type { Writable } from 'node:stream';
import type { SessionStreams } from './exec-session.ts';

/** What an attached client may be behind with before it is let go: it must not hold up the container. */
const maxBehind = 4 * 1024 * 1024;

/** The clients that are attached to one run of a container. */
export class Attachments {
  readonly #clients = new Set<(stream: 'stdout' | 'stderr', chunk: Uint8Array) => void>();

  output(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    for (const client of this.#clients) client(stream, chunk);
  }

  /** Show the output to a client and give its input to the process, until the container ends or the client goes. */
  async attach(
    streams: SessionStreams,
    process: { readonly stdin: Writable | undefined; readonly done: Promise<unknown>; readonly once: boolean },
  ): Promise<void> {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const client = (stream: 'stdout' | 'stderr', chunk: Uint8Array): void => {
      const target = streams[stream] ?? streams.stdout;
      if (!target) return;
      target.write(chunk);
      if (target.writableLength > maxBehind) leave();
    };
    this.#clients.add(client);
    const { stdin, done, once } = process;
    if (stdin) streams.stdin?.pipe(stdin, { end: once });
    streams.signal.addEventListener('abort', () => leave(), { once: true });
    if (streams.signal.aborted) leave();
    await Promise.race([done, left]);
    this.#clients.delete(client);
    if (!stdin) return;
    streams.stdin?.unpipe(stdin);
    if (once) stdin.end();
  }
}
