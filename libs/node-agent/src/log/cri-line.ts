/** One line of a log file in the CRI format: `<time> <stream> <F|P> <text>`. */
export type LogLine = {
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** The text ends without a newline of its own: the next line of the stream goes on. */
  readonly partial: boolean;
  readonly text: Uint8Array;
};

/** Longer lines are split into parts of this many bytes, as container runtimes do. */
export const maxLineBytes = 16_384;

const newline = 0x0a;
const space = 0x20;

/** The header of a line, up to and with the space before the text. */
export function lineHeader(time: string, stream: LogLine['stream'], partial: boolean): Uint8Array {
  return Buffer.from(`${time} ${stream} ${partial ? 'P' : 'F'} `);
}

/** Read one line, without its newline. undefined for a torn one: the file was cut off while it was written. */
export function parseLine(bytes: Uint8Array): LogLine | undefined {
  const first = bytes.indexOf(space);
  const second = first < 0 ? -1 : bytes.indexOf(space, first + 1);
  const third = second < 0 ? -1 : bytes.indexOf(space, second + 1);
  if (third < 0) return undefined;
  const text = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  const stream = text(first + 1, second);
  const tag = text(second + 1, third);
  if ((stream !== 'stdout' && stream !== 'stderr') || (tag !== 'F' && tag !== 'P')) return undefined;
  return { time: text(0, first), stream, partial: tag === 'P', text: bytes.subarray(third + 1) };
}

/** Cut a chunk at its newlines. `rest` is what follows the last one. */
export function splitLines(chunk: Uint8Array): { readonly lines: readonly Uint8Array[]; readonly rest: Uint8Array } {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
    lines.push(chunk.subarray(from, at));
    from = at + 1;
  }
  return { lines, rest: chunk.subarray(from) };
}

/** RFC 3339 with nine digits of fraction, from milliseconds (with a fraction) since the epoch. */
export function nanoTime(ms: number): string {
  const whole = Math.floor(ms);
  const nanos = Math.floor((ms - whole) * 1_000_000);
  return `${new Date(whole).toISOString().slice(0, -1)}${String(nanos).padStart(6, '0')}Z`;
}
