import type { Mask } from './report-text.ts';

/** What stands where a secret was. */
export const maskText = '***';

/** Shorter values are no secrets, and masking them would tear every text apart. */
export const shortestSecret = 6;
const maxForms = 20_000;
const maxLine = 1_048_576;

/**
 * A mask of these secrets in every form in which a program is likely to print them: as they are, each line of a longer
 * one, base64 (standard and URL alphabet) at all three offsets, URL-encoded, hexadecimal, JSON-escaped. Pure.
 */
export function createMask(secrets: readonly string[]): Mask {
  const forms = formsOf(secrets);
  return forms.length === 0 ? (text) => text : (text) => maskForms(text, forms).text;
}

/** A mask of a text that comes in pieces. `push` gives what is safe to show so far, `end` the rest. */
export type MaskStream = { push(chunk: string): string; end(): string };

/**
 * The mask for a stream: nothing is given out while it may be the beginning of a secret, wherever the pieces are cut.
 * What is held back is never longer than the longest form.
 */
export function createMaskStream(secrets: readonly string[]): MaskStream {
  const forms = formsOf(secrets);
  const longest = Math.max(0, ...forms.map(({ length }) => length));
  let held = '';
  return {
    push(chunk) {
      const { text, rest } = maskForms(held + chunk, forms, longest - 1);
      held = rest;
      return text;
    },
    end() {
      const { text } = maskForms(held, forms);
      held = '';
      return text;
    },
  };
}

/**
 * Replace every form that begins before the last `keep` characters; these are handed back unmasked, as more may follow.
 * At each place the longest form wins. Forms are looked up by their first characters, so the time does not grow with
 * the number of secrets.
 */
function maskForms(text: string, forms: readonly string[], keep = 0): { readonly text: string; readonly rest: string } {
  const index = indexOf(forms);
  const end = Math.max(0, text.length - Math.max(0, keep));
  let out = '';
  let from = 0;
  let at = 0;
  while (at < end) {
    const candidates = index.get(text.slice(at, at + keyLength));
    const found = candidates?.find((form) => text.startsWith(form, at));
    if (found === undefined) {
      at++;
      continue;
    }
    out += text.slice(from, at) + maskText;
    at += found.length;
    from = at;
  }
  const stop = Math.max(from, end);
  return { text: out + text.slice(from, stop), rest: text.slice(stop) };
}

const keyLength = 4;
const indexes = new WeakMap<readonly string[], ReadonlyMap<string, readonly string[]>>();

function indexOf(forms: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const known = indexes.get(forms);
  if (known) return known;
  const index = new Map<string, string[]>();
  for (const form of forms) {
    const key = form.slice(0, keyLength);
    index.set(key, [...(index.get(key) ?? []), form]);
  }
  indexes.set(forms, index);
  return index;
}

/** All forms of all secrets, longest first, each at least as long as the key of the index. */
function formsOf(secrets: readonly string[]): readonly string[] {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const whole = secret.slice(0, maxLine).trim();
    const lines = whole.split(/\r?\n/).map((line) => line.trim());
    const parts = lines.length > 1 ? [whole, ...lines] : [whole];
    for (const part of parts.filter(({ length }) => length >= shortestSecret)) {
      for (const form of writtenForms(part)) if (form.length >= shortestSecret) forms.add(form);
      if (forms.size > maxForms) throw new RangeError(`at most ${maxForms} forms of secrets can be masked`);
    }
  }
  return [...forms].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
}

function writtenForms(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret.toWellFormed());
  const strictUrl = url.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return [
    secret,
    secret.replaceAll('\n', '\r\n'),
    json,
    json.replaceAll('/', '\\/'),
    JSON.stringify(json).slice(1, -1),
    url,
    strictUrl,
    url.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    strictUrl.replaceAll('%20', '+'),
    strictUrl.replaceAll('%20', '+').replaceAll('%2A', '*').replaceAll('~', '%7E'),
    hex.join(''),
    hex.join('').toUpperCase(),
    ...base64Forms(bytes),
  ];
}

/**
 * The characters of base64 that the secret alone decides, for each of the three places at which it can stand in a
 * longer text; those at the edges also depend on what is before and after it and are left out.
 */
function base64Forms(bytes: Uint8Array): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const padded = new Uint8Array(offset + bytes.length);
    padded.set(bytes, offset);
    const text = encodeBase64(padded);
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor(((offset + bytes.length) * 8) / 6);
    const standard = text.slice(from, to);
    return [standard, standard.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 without padding; written out as the core knows neither Buffer nor btoa of bytes. */
function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const word = (a << 16) | (b << 8) | c;
    const used = Math.min(3, bytes.length - i) + 1;
    for (let j = 0; j < used; j++) text += alphabet[(word >> (18 - 6 * j)) & 63];
  }
  return text;
}
