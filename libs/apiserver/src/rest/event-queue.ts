/** What one watch may hold back for a client that reads slowly, in bytes. */
const maxWaitingBytes = 16 * 1024 * 1024;
/** Lines are joined up to this size, so that a burst is few writes. */
const chunkBytes = 64 * 1024;

/** A line, or what makes it when its turn comes. */
type Line = Uint8Array | MakeLine;

/** Makes a line. A promise where somebody outside has to be asked. */
export type MakeLine = () => Uint8Array | Promise<Uint8Array>;

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
  pushBacklog(make: MakeLine): void {
    if (!this.#ended) this.#waiting.push(make);
    this.#wake?.();
  }

  push(line: Uint8Array): void {
    this.#add(line, line.length);
  }

  /** A line that can be made only when it is read, of about so many bytes. */
  pushLater(make: MakeLine, bytes: number): void {
    this.#add(make, bytes);
  }

  #add(line: Line, bytes: number): void {
    if (this.#ended) return;
    this.#waiting.push(line);
    this.#bytes += bytes;
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

async function* joined(lines: readonly Line[]): AsyncGenerator<Uint8Array> {
  let part: Uint8Array[] = [];
  let size = 0;
  for (const item of lines) {
    const made = typeof item === 'function' ? item() : item;
    const line = made instanceof Uint8Array ? made : await made;
    part.push(line);
    size += line.length;
    if (size < chunkBytes) continue;
    yield Buffer.concat(part);
    [part, size] = [[], 0];
  }
  const [only] = part;
  if (only) yield part.length === 1 ? only : Buffer.concat(part);
}
