/** Checksums over bytes as lower-case hexadecimal text. */

const primes = (() => {
  const found: number[] = [];
  for (let candidate = 2; found.length < 80; candidate++)
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  return found;
})();

/** The first bits of the fractional part of a root of a prime, exactly. */
function rootBits(prime: number, root: 2n | 3n, bits: bigint): bigint {
  const target = BigInt(prime) << (bits * root);
  let [low, high] = [0n, 1n << (bits + 8n)];
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** root <= target) low = middle;
    else high = middle - 1n;
  }
  return BigInt.asUintN(Number(bits), low);
}

function padded(bytes: Uint8Array, block: number): Uint8Array {
  const lengthBytes = block / 8;
  const size = Math.ceil((bytes.length + 1 + lengthBytes) / block) * block;
  const out = new Uint8Array(size);
  out.set(bytes);
  out[bytes.length] = 0x80;
  new DataView(out.buffer).setBigUint64(size - 8, BigInt(bytes.length) * 8n);
  return out;
}

type Shape = {
  readonly bits: 32n | 64n;
  readonly rounds: number;
  readonly shifts: readonly (readonly [bigint, bigint, bigint])[];
};
const sha256Shape: Shape = {
  bits: 32n,
  rounds: 64,
  shifts: [
    [7n, 18n, 3n],
    [17n, 19n, 10n],
    [2n, 13n, 22n],
    [6n, 11n, 25n],
  ],
};
const sha512Shape: Shape = {
  bits: 64n,
  rounds: 80,
  shifts: [
    [1n, 8n, 7n],
    [19n, 61n, 6n],
    [28n, 34n, 39n],
    [14n, 18n, 41n],
  ],
};

function sha2(bytes: Uint8Array, { bits, rounds, shifts }: Shape): string {
  const fit = (value: bigint): bigint => BigInt.asUintN(Number(bits), value);
  const turn = (value: bigint, by: bigint): bigint => fit((value >> by) | (value << (bits - by)));
  const [[s0a, s0b, s0c], [s1a, s1b, s1c], [e0a, e0b, e0c], [e1a, e1b, e1c]] = shifts as [
    readonly [bigint, bigint, bigint],
    readonly [bigint, bigint, bigint],
    readonly [bigint, bigint, bigint],
    readonly [bigint, bigint, bigint],
  ];
  const constants = primes.slice(0, rounds).map((prime) => rootBits(prime, 3n, bits));
  const state = primes.slice(0, 8).map((prime) => rootBits(prime, 2n, bits));
  const wordSize = Number(bits) / 8;
  const data = padded(bytes, wordSize * 16);
  const view = new DataView(data.buffer);
  for (let block = 0; block < data.length; block += wordSize * 16) {
    const words = Array.from({ length: 16 }, (_, index) =>
      bits === 32n ? BigInt(view.getUint32(block + index * 4)) : view.getBigUint64(block + index * 8),
    );
    const word = (index: number): bigint => words[index] ?? 0n;
    for (let index = 16; index < rounds; index++) {
      const [early, late] = [word(index - 15), word(index - 2)];
      const first = turn(early, s0a) ^ turn(early, s0b) ^ (early >> s0c);
      const second = turn(late, s1a) ^ turn(late, s1b) ^ (late >> s1c);
      words.push(fit(word(index - 16) + first + word(index - 7) + second));
    }
    let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, h = 0n] = state;
    for (let index = 0; index < rounds; index++) {
      const first =
        h +
        (turn(e, e1a) ^ turn(e, e1b) ^ turn(e, e1c)) +
        ((e & f) ^ (~e & g)) +
        (constants[index] ?? 0n) +
        word(index);
      const second = (turn(a, e0a) ^ turn(a, e0b) ^ turn(a, e0c)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, fit(d + first), c, b, a, fit(first + second)];
    }
    for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) state[index] = fit((state[index] ?? 0n) + value);
  }
  return state.map((value) => value.toString(16).padStart(wordSize * 2, '0')).join('');
}

/** SHA-256. */
export function sha256(bytes: Uint8Array): string {
  return sha2(bytes, sha256Shape);
}

/** SHA-512. */
export function sha512(bytes: Uint8Array): string {
  return sha2(bytes, sha512Shape);
}

/** SHA-1. */
export function sha1(bytes: Uint8Array): string {
  const turn = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const data = padded(bytes, 64);
  const view = new DataView(data.buffer);
  for (let block = 0; block < data.length; block += 64) {
    const words = Array.from({ length: 16 }, (_, index) => view.getInt32(block + index * 4));
    const word = (index: number): number => words[index] ?? 0;
    for (let index = 16; index < 80; index++)
      words.push(turn(word(index - 3) ^ word(index - 8) ^ word(index - 14) ^ word(index - 16), 1));
    let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
    for (let index = 0; index < 80; index++) {
      const [mixed, constant] = sha1Round(index, b, c, d);
      [e, d, c, b, a] = [d, c, turn(b, 30), a, (turn(a, 5) + mixed + e + constant + word(index)) | 0];
    }
    for (const [index, value] of [a, b, c, d, e].entries()) state[index] = ((state[index] ?? 0) + value) | 0;
  }
  return state.map((value) => (value >>> 0).toString(16).padStart(8, '0')).join('');
}

function sha1Round(index: number, b: number, c: number, d: number): readonly [number, number] {
  if (index < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (index < 40) return [b ^ c ^ d, 0x6ed9eba1];
  return index < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
}

/** Adler-32 as decimal text, as sprig shows it. */
export function adler32(bytes: Uint8Array): string {
  let [low, high] = [1, 0];
  for (const byte of bytes) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return String(high * 65_536 + low);
}
