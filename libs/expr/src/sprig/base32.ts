const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Standard base32 with padding. */
export function toBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const digits = (bits.match(/.{1,5}/g) ?? []).map((group) =>
    alphabet.charAt(Number.parseInt(group.padEnd(5, '0'), 2)),
  );
  return digits.join('').padEnd(Math.ceil(digits.length / 8) * 8, '=');
}

/** The bytes of standard base32, or where the text stops being that. */
export function fromBase32(text: string): Uint8Array | number {
  const body = text.replace(/=+$/, '');
  const wrong = Array.from(body).findIndex((char) => !alphabet.includes(char));
  if (wrong >= 0) return wrong;
  if (text.length % 8 !== 0) return body.length;
  const bits = Array.from(body, (char) => alphabet.indexOf(char).toString(2).padStart(5, '0')).join('');
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}
