import { CelError } from './cel-error.ts';
import type { Signatures } from './signature.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function encode(bytes: Uint8Array): string {
  let out = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
    const word = (first << 16) | (second << 8) | third;
    const left = bytes.length - at;
    for (const [index, shift] of [18, 12, 6, 0].entries()) out += index <= left ? alphabet[(word >> shift) & 63] : '=';
  }
  return out;
}

function decode(text: string): Uint8Array {
  const body = text.replace(/={1,2}$/u, '');
  const isPadded = body.length < text.length;
  if (!/^[A-Za-z0-9+/]*$/u.test(body) || body.length % 4 === 1 || (isPadded && text.length % 4 !== 0))
    throw new CelError('illegal base64 data');
  const out = new Uint8Array(Math.floor((body.length * 3) / 4));
  let word = 0;
  for (let at = 0; at < body.length; at++) {
    word = ((word << 6) | alphabet.indexOf(body[at] ?? 'A')) & 0xffffff;
    if (at % 4 !== 0) out[Math.floor((at * 3) / 4)] = (word >> (6 - (at % 4) * 2)) & 255;
  }
  return out;
}

/** Base64, with or without padding. */
export const encoderFunctions: readonly Signatures[] = [
  { 'base64.encode(bytes): string': encode, 'base64.decode(string): bytes': decode },
];
