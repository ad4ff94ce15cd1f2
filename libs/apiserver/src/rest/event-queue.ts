/** What one watch may hold back for a client that reads slowly, in bytes. */
const maxWaitingBytes = 16 * 1024 * 1024;
/** Lines are joined up to this size, so that a burst is few writes. */
const chunkBytes = 64 * 1024;

/** A line, or what makes it when its turn comes. */
type Line = Uint8Array | (() => Uint8Array);

/** Lines between the changes of the store and one client. A client that falls too far behind is cut off. */
export class EventQueue {
  readonly #onOverflow: () => void;
  #waiting: Line[] = [];
  #bytes = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  /** `onOverflow` is called once, when the client is cut off. */
  constructor(onOverflow: () => void = () => undefined) {
    this.#onOverflow = onOverflow;
  }

  /** A line of what the client asked for to begin with, which does not count against it and is made when it is read. */
  pushBacklog(make: () => Uint8Array): void {
    if (!this.#ended) this.#waiting.push(make);
  }

  push(line: Uint8Array): void {
    if (this.#ended) return;
    this.#waiting.push(line);
    this.#bytes += line.length;
    if (this.#bytes > maxWaitingBytes) {
      this.#waiting = [];
      this.#ended = true;
      this.#onOverflow();
    }
    this.#wake?.();
  }

  /** No more lines; what waits is still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The lines as they come, several a chunk. */
  async *drain(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#bytes = 0;
      yield* joined(waiting);
      if (this.#waiting.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

function* joined(lines: readonly Line[]): Generator<Uint8Array> {
  let part: Uint8Array[] = [];
  let size = 0;
  for (const item of lines) {
    const line = typeof item === 'function' ? item() : item;
    part.push(line);
    size += line.length;
    if (size < chunkBytes) continue;
    yield Buffer.concat(part);
    [part, size] = [[], 0];
  }
  const [only] = part;
  if (only) yield part.length === 1 ? only : Buffer.concat(part);
}
