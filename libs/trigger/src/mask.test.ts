import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMask, createMaskStream, maskText, shortestSecret } from './mask.ts';

const secret = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 60 }).filter((text) => text.trim().length >= 8);
const around = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
const forms: Readonly<Record<string, (value: string, before: string, after: string) => string>> = {
  plain: (value) => value,
  base64: (value) => Buffer.from(value).toString('base64'),
  'base64 in a longer text': (value, before, after) => Buffer.from(before + value + after).toString('base64'),
  'base64url in a longer text': (value, before, after) => Buffer.from(before + value + after).toString('base64url'),
  'URL-encoded': (value) => encodeURIComponent(value.toWellFormed()),
  'form-encoded': (value) => new URLSearchParams({ value }).toString(),
  hexadecimal: (value) => Buffer.from(value).toString('hex'),
  'JSON-escaped': (value) => JSON.stringify({ value }),
  'JSON in JSON': (value) => JSON.stringify(JSON.stringify({ value })),
};

/** The parts of a text that give the secret away: the secret itself, and what the form alone holds of it. */
function reveals(text: string, value: string, written: string): boolean {
  return text.includes(value) || (written.length >= 16 && text.includes(written));
}

test.for(Object.keys(forms))('a secret that is printed %s is masked', (name) => {
  const write = forms[name] ?? String;
  fc.assert(
    fc.property(secret, around, around, (given, before, after) => {
      const value = given.trim();
      const written = write(value, before, after);
      const masked = createMask([value])(`x ${written} y`);
      expect(masked).toContain(maskText);
      expect(reveals(masked, value, written)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('however a stream is cut, it masks what the whole text would have masked', () => {
  const pieces = fc.array(fc.oneof(around, fc.nat(3)), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), pieces, fc.array(fc.nat(80)), (list, parts, cuts) => {
      const secrets = list.map((each) => each.trim());
      const whole = parts.map((part) => (typeof part === 'string' ? part : (secrets[part] ?? ''))).join('');
      const stream = createMaskStream(secrets);
      let given = '';
      let rest = whole;
      for (const cut of cuts) {
        given += stream.push(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      given += stream.push(rest) + stream.end();
      expect(given).toBe(createMask(secrets)(whole));
      expect(secrets.filter((each) => whole.includes(each) && given.includes(each))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('each line of a key of many lines is masked on its own', () => {
  const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----';
  const masked = createMask([key])(`one\n  MIIEvQIBADANBgkq\nother hkiG9w0BAQEFAASC.\n`);
  expect(masked).toBe(`one\n  ${maskText}\nother ${maskText}.\n`);
});

test('a token of any length is masked, also the long ones that GitHub hands out', () => {
  const token = `ghs_4711_${'aB3-_.'.repeat(80)}`;
  expect(createMask([token])(`git clone https://x-access-token:${token}@github.com`)).not.toContain('aB3-_.');
});

test('of two secrets of which one begins the other, the longer one leaves nothing behind', () => {
  expect(createMask(['password', 'password-of-ada'])('it is password-of-ada!')).toBe(`it is ${maskText}!`);
});

test('a value too short to be a secret leaves the text as it is', () => {
  expect(createMask(['a'.repeat(shortestSecret - 1), '', '   '])('aaaaa aaaaa')).toBe('aaaaa aaaaa');
});

test('a megabyte that nearly holds two hundred secrets comes out as it went in', () => {
  const mask = createMask(Array.from({ length: 200 }, (_, i) => `secret-number-${i}-of-many`));
  const text = 'secret-number-x '.repeat(65_536);
  expect(mask(text)).toBe(text);
});
