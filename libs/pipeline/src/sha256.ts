/** The first 32 bits of the fractional parts of roots of the first primes: FIPS 180-4, worked out instead of listed. */
function rootBits(root: (prime: number) => number, count: number): Uint32Array {
  const bits = new Uint32Array(count);
  for (let found = 0, candidate = 2; found < count; candidate++) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) prime &&= candidate % divisor !== 0;
    if (prime) bits[found++] = (root(candidate) % 1) * 2 ** 32;
  }
  return bits;
}

const roundConstants = rootBits(Math.cbrt, 64);
const initialState = rootBits(Math.sqrt, 8);

/** SHA-256 of a text's UTF-8 bytes, in hex. Here because the core may not import node:crypto. For short texts. */
export function sha256Hex(text: string): string {
  const bytes = padded(new TextEncoder().encode(text));
  const view = new DataView(bytes.buffer);
  const state = Uint32Array.from(initialState);
  const schedule = new Uint32Array(64);
  for (let block = 0; block < bytes.length; block += 64) {
    for (let i = 0; i < 16; i++) schedule[i] = view.getUint32(block + i * 4);
    for (let i = 16; i < 64; i++) schedule[i] = extended(schedule, i);
    mix(state, schedule);
  }
  return [...state].map((word) => word.toString(16).padStart(8, '0')).join('');
}

function padded(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  bytes.set(message);
  bytes[message.length] = 0x80;
  new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(message.length) * 8n);
  return bytes;
}

function extended(schedule: Uint32Array, i: number): number {
  const early = schedule[i - 15] ?? 0;
  const late = schedule[i - 2] ?? 0;
  const first = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
  const second = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
  return (schedule[i - 16] ?? 0) + first + (schedule[i - 7] ?? 0) + second;
}

function mix(state: Uint32Array, schedule: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g);
    const spread = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + spread + choice + (roundConstants[i] ?? 0) + (schedule[i] ?? 0)) >>> 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) >>> 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) >>> 0, c, b, a, (first + second) >>> 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] ?? 0) + word));
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
