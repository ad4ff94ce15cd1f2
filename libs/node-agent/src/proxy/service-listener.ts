import { createServer, type Server, type Socket } from 'node:net';
import type { Listen, Target } from './endpoint-table.ts';
import { inTurn } from './endpoint-table.ts';
import { forward } from './forward.ts';

/** What became of an attempt to listen. `port` differs from the one wanted where that one may not be opened. */
export type ListenResult =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Ports that need privileges are offered this much higher: 80 at 8080, 443 at 8443. */
const substituteOffset = 8_000;

/** Listens on one address of a Service and forwards each new connection to the next endpoint. */
export class ServiceListener {
  readonly listen: Listen;
  readonly #targets: () => readonly Target[];
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #turn = 0;

  constructor(listen: Listen, targets: () => readonly Target[]) {
    this.listen = listen;
    this.#targets = targets;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** Open the port; one that needs privileges is replaced by a higher one of the same address. */
  async open(): Promise<ListenResult> {
    const { port } = this.listen;
    const first = await this.#tryListen(port);
    if (first.kind === 'listening' || first.code !== 'EACCES') return first;
    const second = await this.#tryListen(port + substituteOffset);
    return second.kind === 'listening' ? second : this.#tryListen(0);
  }

  /** Stop to accept. Connections that are open live on, unless `cut`. */
  close(cut: boolean): void {
    this.#server.close();
    if (cut) for (const client of this.#clients) client.destroy();
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
    void forward(client, inTurn(this.#targets(), this.#turn++));
  }

  #tryListen(port: number): Promise<ListenResult> {
    const { promise, resolve } = Promise.withResolvers<ListenResult>();
    const server = this.#server;
    const onError = (error: NodeJS.ErrnoException): void => {
      server.removeListener('listening', onListening);
      resolve({ kind: 'failed', code: error.code ?? '', message: error.message });
    };
    const onListening = (): void => {
      server.removeListener('error', onError);
      server.on('error', () => {});
      const address = server.address();
      resolve({ kind: 'listening', port: typeof address === 'object' && address ? address.port : port });
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen(port, this.listen.ip);
    return promise;
  }
}
