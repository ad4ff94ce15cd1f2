import { type HostFunction, toBase64, type Value } from '../value.ts';
import { countOf, textOf } from './arguments.ts';

const digits = '0123456789';
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
const maxLength = 100_000;

/** Sprig's functions that draw lots. `random` gives numbers from 0 up to but without 1. */
export function sprigRandom(random: () => number): Readonly<Record<string, HostFunction>> {
  const below = (limit: number): number => Math.floor(random() * limit);
  const draw = (alphabet: string) => (count: Value | undefined) => {
    const length = countOf(count);
    if (length > maxLength) throw new Error('the random text is too long');
    return Array.from({ length: Math.max(0, length) }, () => alphabet.charAt(below(alphabet.length))).join('');
  };
  return {
    randAlpha: draw(letters),
    randNumeric: draw(digits),
    randAlphaNum: draw(digits + letters),
    randAscii: draw(ascii),
    randBytes: (count) => {
      if (countOf(count) > maxLength) throw new Error('the random text is too long');
      return toBase64(Uint8Array.from({ length: Math.max(0, countOf(count)) }, () => below(256)));
    },
    randInt: (from, to) => BigInt(countOf(from) + below(Math.max(1, countOf(to) - countOf(from)))),
    shuffle: (text) => shuffled(Array.from(textOf(text)), below).join(''),
    uuidv4: () =>
      'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (kind) =>
        (kind === 'x' ? below(16) : 8 + below(4)).toString(16),
      ),
  };
}

function shuffled(items: readonly string[], below: (limit: number) => number): readonly string[] {
  const left = [...items];
  const out: string[] = [];
  while (left.length > 0) out.push(...left.splice(below(left.length), 1));
  return out;
}
