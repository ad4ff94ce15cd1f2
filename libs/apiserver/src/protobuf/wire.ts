/** A malformed message. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** A field as it lies on the wire: a varint, or the bytes of a length-delimited or fixed-width field. */
export type WireField = { readonly number: number; readonly value: bigint | Uint8Array };

/** The fields of a message in order. Unknown wire types and lengths beyond the end are errors. */
export function readFields(bytes: Uint8Array): readonly WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new WireError('a number is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new WireError('a number has more than ten bytes');
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new WireError(`a field of ${length} bytes goes beyond the end`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    if (number === 0) throw new WireError('a field has number 0');
    switch (Number(tag & 7n)) {
      case 0:
        fields.push({ number, value: varint() });
        break;
      case 1:
        fields.push({ number, value: take(8) });
        break;
      case 2:
        fields.push({ number, value: take(Number(varint())) });
        break;
      case 5:
        fields.push({ number, value: take(4) });
        break;
      default:
        throw new WireError(`field ${number} has an unknown wire type`);
    }
  }
  return fields;
}

/** Builds a message. */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];

  /** Writes a varint field; negative numbers take ten bytes. */
  varint(number: number, value: bigint): void {
    this.#parts.push(varintBytes(BigInt(number) << 3n), varintBytes(BigInt.asUintN(64, value)));
  }

  /** Writes a length-delimited field. */
  bytes(number: number, value: Uint8Array): void {
    this.#parts.push(varintBytes((BigInt(number) << 3n) | 2n), varintBytes(BigInt(value.length)), value);
  }

  /** Writes an eight-byte field. */
  fixed64(number: number, value: Uint8Array): void {
    this.#parts.push(varintBytes((BigInt(number) << 3n) | 1n), value);
  }

  /** The message. */
  finish(): Uint8Array {
    const length = this.#parts.reduce((sum, part) => sum + part.length, 0);
    const out = new Uint8Array(length);
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

function varintBytes(value: bigint): Uint8Array {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Uint8Array.from(out);
}
