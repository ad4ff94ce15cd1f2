import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares texts in a time that depends on neither. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

/**
 * Who is asking: `undefined` without the token. Bearer carries no name; with Basic the password is the token and the user
 * is taken by its word (the forge has one token, so whoever has it may be anyone).
 */
export function identify(authorization: string | undefined, token: string): { readonly login: string } | undefined {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return sameText(value, token) ? { login: defaultLogin } : undefined;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0 || !sameText(text.slice(colon + 1), token)) return undefined;
  const login = text.slice(0, colon);
  return { login: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(login) ? login : defaultLogin };
}

const defaultLogin = 'sluice';
