import type { ArtifactLimits } from '../limits.ts';
import { refused } from './safe-path.ts';

/** Counts what an archive unpacks to, and stops it at the limits. */
export class UnpackBudget {
  readonly #limits: ArtifactLimits;
  #bytes = 0;
  #entries = 0;
  constructor(limits: ArtifactLimits) {
    this.#limits = limits;
  }
  addEntry(): void {
    if (++this.#entries > this.#limits.maxEntries) throw refused(`it has more than ${this.#limits.maxEntries} entries`);
  }
  addBytes(count: number): void {
    this.#bytes += count;
    if (this.#bytes > this.#limits.maxBytes) throw refused(`it unpacks to more than ${this.#limits.maxBytes} bytes`);
  }
  /** Counts the bytes that pass by. */
  async *counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.addBytes(chunk.length);
      yield chunk;
    }
  }
}
