/** git's pkt-line framing: four hex digits of length, then the bytes; `0000` is a flush. */
export const flushPacket = Buffer.from('0000');

const longestPayload = 65_516;

/** One packet. */
export function encodePacket(payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload);
  if (bytes.length > longestPayload) throw new Error(`a pkt-line holds at most ${longestPayload} bytes`);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

/** Read packets from a byte stream; `flush` for a flush packet. Throws for a broken frame or an early end. */
export async function* decodePackets(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | 'flush'> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 4) break;
      const header = rest.toString('latin1', 0, 4);
      if (!/^[0-9a-f]{4}$/i.test(header)) throw new Error('a pkt-line has no valid length');
      const length = Number.parseInt(header, 16);
      if (length === 0) {
        rest = rest.subarray(4);
        yield 'flush';
        continue;
      }
      if (length < 4) throw new Error(`a pkt-line of length ${length} is not known here`);
      if (rest.length < length) break;
      const payload = rest.subarray(4, length);
      rest = rest.subarray(length);
      yield payload;
    }
  }
  if (rest.length > 0) throw new Error('the stream ended within a pkt-line');
}
