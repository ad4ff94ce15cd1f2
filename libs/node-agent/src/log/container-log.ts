import { closeSync, existsSync, fstatSync, openSync, renameSync, rmSync, write, writeSync } from 'node:fs';
import { lineHeader, maxLineBytes, nanoTime, splitLines, type LogLine } from './cri-line.ts';

export type ContainerLogOptions = {
  /** The file grows to this size, then it becomes `<path>.1` and a new one begins. */
  readonly maxBytes: number;
  /** Bytes held back while the disk is slow; what is beyond is dropped and said so. */
  readonly maxPendingBytes: number;
  /** Milliseconds since the epoch, with a fraction. */
  readonly now: () => number;
};

/** 10 MiB a file, 8 MiB held back. */
export const defaultLogOptions: ContainerLogOptions = Object.freeze({
  maxBytes: 10 * 1024 * 1024,
  maxPendingBytes: 8 * 1024 * 1024,
  now: () => performance.timeOrigin + performance.now(),
});

/** What a reader needs to know of a log that is or was being written. File `index` is at `path`, `index - 1` at `path.1`. */
export type LogFiles = {
  readonly path: string;
  readonly index: number;
  readonly closed: boolean;
  /** Bytes of the present file that are on disk. */
  readonly size: number;
  /** Resolves once what was appended so far is on disk. */
  settled(): Promise<void>;
  /** Calls once after the next change of any of these. Returns how to stop waiting. */
  onChange(listener: () => void): () => void;
};

const newline = Uint8Array.of(0x0a);

/** Writes the log of one run of a container. `append` never blocks and never fails: a step must not suffer from its log. */
export class ContainerLog implements LogFiles {
  readonly path: string;
  readonly #options: ContainerLogOptions;
  readonly #rest: Record<LogLine['stream'], Uint8Array> = { stdout: new Uint8Array(), stderr: new Uint8Array() };
  readonly #listeners = new Set<() => void>();
  #fd: number;
  #index = 0;
  #size = 0;
  #closed = false;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #lastTime = 0;

  /** Starts a new file at `path`, where {@link keepPrevious} has made room. Throws when it cannot be made. */
  constructor(path: string, options: ContainerLogOptions = defaultLogOptions) {
    this.path = path;
    this.#options = options;
    this.#fd = openSync(path, 'w', 0o640);
  }

  get index(): number {
    return this.#index;
  }
  get closed(): boolean {
    return this.#closed;
  }
  get size(): number {
    return this.#size;
  }

  async settled(): Promise<void> {
    await this.#writing;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Take a chunk of output. Lines without an end wait for the rest of them. */
  append(stream: LogLine['stream'], chunk: Uint8Array): void {
    if (this.#closed) return;
    const rest = this.#rest[stream];
    const { lines, rest: after } = splitLines(rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk);
    const time = this.#time();
    for (const line of lines) this.#addLine(time, stream, line, false);
    let left = after;
    for (; left.length > maxLineBytes; left = left.subarray(maxLineBytes)) {
      this.#add(time, stream, left.subarray(0, maxLineBytes), true);
    }
    this.#rest[stream] = left.length > 0 ? Buffer.from(left) : left;
    this.#write();
  }

  /** Write what is left and end the log. Readers that follow it come to its end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#rest[stream].length > 0) this.#addLine(this.#time(), stream, this.#rest[stream], true);
      this.#rest[stream] = new Uint8Array();
    }
    if (this.#writing) await this.#writing;
    if (this.#pending.length > 0) this.#writeNow();
    this.#closed = true;
    closeSync(this.#fd);
    this.#changed();
  }

  /** Times of one log never go back, whatever the clock does. */
  #time(): string {
    this.#lastTime = Math.max(this.#lastTime, this.#options.now());
    return nanoTime(this.#lastTime);
  }

  #addLine(time: string, stream: LogLine['stream'], line: Uint8Array, partial: boolean): void {
    let left = line;
    for (; left.length > maxLineBytes; left = left.subarray(maxLineBytes)) {
      this.#add(time, stream, left.subarray(0, maxLineBytes), true);
    }
    this.#add(time, stream, left, partial);
  }

  #add(time: string, stream: LogLine['stream'], text: Uint8Array, partial: boolean): void {
    if (this.#pendingBytes > this.#options.maxPendingBytes) {
      this.#dropped += text.length + 1;
      return;
    }
    if (this.#dropped > 0) {
      const note = `[sluice: ${this.#dropped} bytes of output are missing here: the disk was slower than the container]`;
      this.#dropped = 0;
      this.#push(lineHeader(time, 'stderr', false), Buffer.from(note));
    }
    this.#push(lineHeader(time, stream, partial), text);
  }

  #push(header: Uint8Array, text: Uint8Array): void {
    this.#pending.push(header, text, newline);
    this.#pendingBytes += header.length + text.length + 1;
  }

  #write(): void {
    if (this.#writing || this.#pending.length === 0) return;
    this.#writing = this.#writeLoop().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeLoop(): Promise<void> {
    while (this.#pending.length > 0) {
      const bytes = this.#take();
      try {
        await writeAll(this.#fd, bytes);
        this.#wrote(bytes.length);
      } catch {
        // A full disk loses the log, not the step.
        this.#dropped += bytes.length;
        this.#resync();
      }
    }
  }

  #writeNow(): void {
    const bytes = this.#take();
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
      this.#wrote(bytes.length);
    } catch {
      this.#resync();
    }
  }

  #take(): Uint8Array {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    return bytes;
  }

  #wrote(bytes: number): void {
    this.#size += bytes;
    if (this.#size > this.#options.maxBytes) this.#rotate();
    this.#changed();
  }

  #rotate(): void {
    try {
      renameSync(this.path, `${this.path}.1`);
      const next = openSync(this.path, 'w', 0o640);
      closeSync(this.#fd);
      this.#fd = next;
      this.#index++;
      this.#size = 0;
    } catch {
      // Going on in the old file is better than no log.
    }
  }

  /** After a write that may have been cut short the size on disk counts. */
  #resync(): void {
    try {
      this.#size = fstatSync(this.#fd).size;
    } catch {
      // Unknown; readers see what they can.
    }
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const next = (at: number): void => {
    write(fd, bytes, at, bytes.length - at, null, (error, written) => {
      if (error) reject(error);
      else if (at + written >= bytes.length) resolve();
      else next(at + written);
    });
  };
  next(0);
  return promise;
}

/** Keep the log of the run before as `<path minus .log>.previous.log`. Nothing to keep is fine. */
export function keepPrevious(path: string): void {
  if (!existsSync(path)) return;
  const previous = previousPath(path);
  for (const suffix of ['.1', '']) {
    try {
      renameSync(`${path}${suffix}`, `${previous}${suffix}`);
    } catch {
      rmSync(`${previous}${suffix}`, { force: true });
    }
  }
}

/** Where the log of the run before is kept. */
export function previousPath(path: string): string {
  return `${path.replace(/\.log$/, '')}.previous.log`;
}
