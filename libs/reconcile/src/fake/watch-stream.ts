import type { KubeObject } from '@sluice/model';
import type { WatchEvent } from '../kube-api.ts';

/** One open watch of the fake: a queue that the server side fills and the client side iterates over. */
export class WatchStream {
  readonly #events: WatchEvent[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #held = false;
  #error: unknown;
  readonly matches: (object: KubeObject) => boolean;

  constructor(matches: (object: KubeObject) => boolean) {
    this.matches = matches;
  }

  push(event: WatchEvent): void {
    if (this.#ended) return;
    this.#events.push(event);
    this.#wake?.();
  }

  /** Keep events back, as a slow connection does, or let them go. */
  hold(held: boolean): void {
    this.#held = held;
    this.#wake?.();
  }

  /** End the stream, with an error or as a server does that closes the connection. */
  end(error?: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async *events(): AsyncGenerator<WatchEvent> {
    for (;;) {
      const event = this.#held ? undefined : this.#events.shift();
      if (event) {
        yield event;
        continue;
      }
      if (this.#ended) {
        if (this.#error) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
