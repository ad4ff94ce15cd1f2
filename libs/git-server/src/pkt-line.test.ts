import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePackets, encodePacket, flushPacket } from './pkt-line.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function decoded(bytes: Buffer, size = bytes.length): Promise<string[]> {
  const all: string[] = [];
  for await (const packet of decodePackets(inPieces(bytes, Math.max(size, 1)))) all.push(packet.toString());
  return all;
}

test('packets come back whatever the pieces in which they arrive', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(fc.string()), { maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
      async (texts, size) => {
        const bytes = Buffer.concat(texts.map((text) => (text === null ? flushPacket : encodePacket(text))));
        expect(await decoded(bytes, size)).toEqual(texts.map((text) => text ?? 'flush'));
      },
    ),
  );
});

test.for(['zzzz', '0003', '0009abc', '00'])('the broken stream %j is an error', async (text) => {
  await expect(decoded(Buffer.from(text))).rejects.toThrow(/pkt-line/);
});
