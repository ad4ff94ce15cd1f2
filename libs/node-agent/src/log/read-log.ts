import { closeSync, existsSync, fstatSync, openSync, read } from 'node:fs';
import type { LogFiles } from './container-log.ts';
import { parseLine, splitLines, type LogLine } from './cri-line.ts';

/** Which part of a log is wanted; the meaning of each field is that of the Kubernetes log endpoint. */
export type ReadLogOptions = {
  readonly follow?: boolean;
  readonly tailLines?: number;
  /** Only lines of this time or later, RFC 3339. */
  readonly sinceTime?: string;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly signal?: AbortSignal;
};

const chunkBytes = 65_536;
const newline = Uint8Array.of(0x0a);

/** A log that nobody writes any more, as it lies on disk. */
export function closedLog(path: string): LogFiles {
  const index = existsSync(`${path}.1`) ? 1 : 0;
  return {
    path,
    index,
    closed: true,
    size: Number.POSITIVE_INFINITY,
    settled: () => Promise.resolve(),
    onChange: () => () => {},
  };
}

/** The text of a log, in chunks. Following ends when the log is closed and read to its end, or the signal fires. */
export async function* readLog(files: LogFiles, options: ReadLogOptions): AsyncGenerator<Uint8Array> {
  await files.settled();
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const chunk of selectText(files, options)) {
    if (left <= 0) return;
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
  }
}

async function* selectText(files: LogFiles, options: ReadLogOptions): AsyncGenerator<Uint8Array> {
  const format = new LineFormat(options);
  const tail = options.tailLines;
  const cursor = new LogCursor(files);
  try {
    if (tail !== undefined) {
      const ring = new TailBuffer(tail);
      for await (const lines of cursor.toPresentEnd(options.signal)) for (const line of lines) ring.add(line);
      const text = format.toText(ring.lines());
      if (text.length > 0) yield text;
    }
    for await (const lines of cursor.toPresentEnd(options.signal)) {
      const text = format.toText(lines);
      if (text.length > 0) yield text;
    }
    while (options.follow && !cursor.atEnd() && !options.signal?.aborted) {
      await cursor.changed(options.signal);
      for await (const lines of cursor.toPresentEnd(options.signal)) {
        const text = format.toText(lines);
        if (text.length > 0) yield text;
      }
    }
  } finally {
    cursor.close();
  }
}

/** Keeps the last lines. Parts of one long line count as one. */
class TailBuffer {
  readonly #lines: LogLine[] = [];
  readonly #count: number;
  #full = 0;
  constructor(count: number) {
    this.#count = count;
  }
  add(line: LogLine): void {
    this.#lines.push(line);
    if (!line.partial) this.#full++;
    if (this.#lines.length > 4096 && this.#full > 2 * this.#count) this.#trim();
  }
  lines(): readonly LogLine[] {
    this.#trim();
    return this.#lines;
  }
  #trim(): void {
    // An open line at the end counts as one.
    let seen = this.#lines.at(-1)?.partial ? 1 : 0;
    let from = this.#lines.length;
    for (; from > 0 && this.#count > 0; from--) {
      if (!this.#lines[from - 1]?.partial && ++seen > this.#count) break;
    }
    this.#lines.splice(0, from);
    this.#full = this.#lines.filter(({ partial }) => !partial).length;
  }
}

/** Turns lines into the text that is sent. Knows whether the last one ended. */
class LineFormat {
  readonly #timestamps: boolean;
  readonly #since: string | undefined;
  #atLineStart = true;
  constructor({ timestamps, sinceTime }: ReadLogOptions) {
    this.#timestamps = timestamps ?? false;
    this.#since = sinceTime === undefined ? undefined : comparableTime(sinceTime);
  }
  toText(lines: readonly LogLine[]): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const line of lines) {
      if (this.#since !== undefined && comparableTime(line.time) < this.#since) continue;
      if (this.#timestamps && this.#atLineStart) parts.push(Buffer.from(`${line.time} `));
      parts.push(line.text);
      if (!line.partial) parts.push(newline);
      this.#atLineStart = !line.partial;
    }
    return Buffer.concat(parts);
  }
}

/** Fixed width, so that times compare as text. */
function comparableTime(time: string): string {
  const [, whole, fraction] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  if (whole !== undefined) return `${whole}.${(fraction ?? '').padEnd(9, '0')}`;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? '' : `${new Date(ms).toISOString().slice(0, -1)}000000`;
}

/** Reads a log that may still grow and be rotated, each byte once. */
class LogCursor {
  readonly #files: LogFiles;
  #index: number;
  #fd: number | undefined;
  #position = 0;
  #rest: Uint8Array = new Uint8Array();

  constructor(files: LogFiles) {
    this.#files = files;
    this.#index = files.index > 0 ? files.index - 1 : 0;
  }

  /** Everything that is on disk now, in portions of lines. */
  async *toPresentEnd(signal: AbortSignal | undefined): AsyncGenerator<readonly LogLine[]> {
    while (!signal?.aborted) {
      const present = this.#index === this.#files.index;
      const fd = this.#open();
      if (fd === undefined) {
        if (present) return;
        this.#nextFile();
        continue;
      }
      const end = present ? this.#files.size : Number.POSITIVE_INFINITY;
      const limit = Math.min(end, fstatSync(fd).size);
      if (this.#position >= limit) {
        if (present) break;
        this.#nextFile();
        continue;
      }
      yield await this.#readLines(fd, Math.min(chunkBytes, limit - this.#position));
    }
    if (this.atEnd() && this.#rest.length > 0) {
      const torn = parseLine(this.#rest);
      this.#rest = new Uint8Array();
      if (torn) yield [{ ...torn, partial: true }];
    }
  }

  /** Nothing more will come. */
  atEnd(): boolean {
    if (!this.#files.closed || this.#index !== this.#files.index) return false;
    if (this.#fd === undefined) return true;
    return this.#position >= Math.min(this.#files.size, fstatSync(this.#fd).size);
  }

  /** Resolves when there may be more to read. */
  changed(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#hasMore() || signal?.aborted) return Promise.resolve();
    const off = this.#files.onChange(resolve);
    const onAbort = (): void => resolve();
    signal?.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => {
      off();
      signal?.removeEventListener('abort', onAbort);
    });
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #hasMore(): boolean {
    return this.#files.closed || this.#index !== this.#files.index || this.#position < this.#files.size;
  }

  #nextFile(): void {
    this.close();
    this.#position = 0;
    // A reader that is too slow misses files that were rotated away; it goes on with the oldest that there is.
    this.#index = Math.max(this.#index + 1, this.#files.index - 1);
  }

  #open(): number | undefined {
    if (this.#fd !== undefined) return this.#fd;
    const path = this.#index === this.#files.index ? this.#files.path : `${this.#files.path}.1`;
    try {
      this.#fd = openSync(path, 'r');
    } catch {
      return undefined;
    }
    return this.#fd;
  }

  async #readLines(fd: number, length: number): Promise<readonly LogLine[]> {
    const bytes = await readAt(fd, this.#position, length);
    this.#position += bytes.length;
    const { lines, rest } = splitLines(this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes);
    this.#rest = rest;
    return lines.map(parseLine).filter((line) => line !== undefined);
  }
}

function readAt(fd: number, position: number, length: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const buffer = Buffer.allocUnsafe(length);
  read(fd, buffer, 0, length, position, (error, count) => {
    if (error) reject(error);
    else resolve(buffer.subarray(0, count));
  });
  return promise;
}
