import type { Value } from '../value.ts';
import { encodeUtf8 } from '../utf8.ts';
import { ExprError } from './failure.ts';
import { byteMark, type Token } from './lexer.ts';

/** The value of a number token. Throws {@link ExprError} for one that is too big. */
export function parseNumber(token: Token): Value {
  const text = token.text.replaceAll('_', '');
  if (/^0[xXbBoO]/.test(text)) return BigInt(text);
  if (!/[.eE]/.test(text)) {
    const value = BigInt(text);
    if (value > 9_223_372_036_854_775_807n)
      throw new ExprError(
        'compile',
        `invalid number: strconv.ParseInt: parsing "${text}": value out of range`,
        token.offset,
      );
    return value;
  }
  const value = Number(text);
  if (!Number.isFinite(value))
    throw new ExprError(
      'compile',
      `invalid float literal: strconv.ParseFloat: parsing "${text}": value out of range`,
      token.offset + token.text.length - 1,
    );
  return value;
}

/** The bytes of a `b"…"` literal: escapes below 256 are bytes, other characters their UTF-8. */
export function bytesOf(text: string): Uint8Array {
  const [plain = '', ...marked] = text.split(byteMark);
  const parts = marked.flatMap((part) => [part.charCodeAt(0), ...encodeUtf8(part.slice(1))]);
  return Uint8Array.from([...encodeUtf8(plain), ...parts]);
}

/** A token as messages show it. */
export function describeToken(token: Token): string {
  if (token.kind === 'eof') return 'EOF';
  return `${token.kind.charAt(0).toUpperCase()}${token.kind.slice(1)}("${token.text}")`;
}

/** The refusal of a token in its place. */
export function unexpected(token: Token): ExprError {
  return new ExprError('compile', `unexpected token ${describeToken(token)}`, token.offset);
}
