const maxLineBytes = 32 << 20;

/** The chunks of a body, until it ends or the signal fires; then the source is told to stop and nothing is thrown. */
export async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let interrupt: (() => void) | undefined;
  const onAbort = (): void => interrupt?.();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    while (!signal.aborted) {
      // One promise a chunk and none that outlives it: racing a long-lived promise would keep every chunk's reaction.
      const result = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
        interrupt = () => resolve(undefined);
        iterator
          .next()
          .then(resolve, (error: unknown) => (signal.aborted ? resolve(undefined) : reject(error as Error)));
      });
      if (!result || result.done) return;
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    iterator.return?.().catch(() => {}); // The source is abandoned: how it ends concerns nobody.
  }
}

/**
 * Lines of a body that comes in any chunks, those of a chunk together: a wait for each would cost more than most lines. A last line without a
 * newline was cut off and is left out.
 */
export async function* splitLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let partial: string[] = [];
  let length = 0;
  for await (const chunk of source) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    const rest = lines.pop() ?? '';
    if (partial.length > 0 && lines.length > 0) {
      lines[0] = partial.join('') + (lines[0] ?? '');
      partial = [];
      length = 0;
    }
    if (lines.length > 0) yield lines;
    if (rest === '') continue;
    partial.push(rest);
    length += rest.length;
    if (length > maxLineBytes) throw new Error(`a line of the stream is longer than ${maxLineBytes} characters`);
  }
}

/** A body of any form as chunks. */
export async function* toChunks(
  body: Uint8Array | string | AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (typeof body === 'string') yield new TextEncoder().encode(body);
  else if (body instanceof Uint8Array) yield body;
  else yield* body;
}
