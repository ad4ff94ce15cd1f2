import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import type { StandInState } from './state.ts';

/** A GitHub App made up for a test. */
export type TestApp = { readonly appId: number; readonly privateKey: string; readonly publicKey: KeyObject };

/** An App with a fresh key, in the PKCS#1 form in which GitHub hands keys out. */
export function makeTestApp(appId = 4711): TestApp {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    appId,
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    publicKey: createPublicKey(privateKey),
  };
}

/** Who a request comes from. */
export type Caller = 'app' | 'installation' | 'token' | undefined;

/** Tell the caller by the authorization header; undefined for credentials that do not hold. */
export function callerOf(
  authorization: string | undefined,
  { state, app, token, now }: { state: StandInState; app: TestApp | undefined; token: string | undefined; now: number },
): Caller {
  const credential = /^(?:bearer|token) (.+)$/i.exec(authorization ?? '')?.[1] ?? '';
  if (token !== undefined && credential === token) return 'token';
  if ((state.tokens.get(credential) ?? 0) > now) return 'installation';
  return app && isAppJwt(credential, app, now) ? 'app' : undefined;
}

const longestLifeS = 600;
const clockSkewS = 60;

/** RS256, the App as issuer, alive, and not meant to live longer than ten minutes. */
function isAppJwt(jwt: string, app: TestApp, now: number): boolean {
  const [head = '', body = '', signature = ''] = jwt.split('.');
  if (signature === '') return false;
  const signed = Buffer.from(`${head}.${body}`);
  if (!verify('RSA-SHA256', signed, app.publicKey, Buffer.from(signature, 'base64url'))) return false;
  const header = decode(head);
  const { iss, iat, exp } = decode(body);
  const seconds = now / 1_000;
  const times =
    Number(exp) > seconds &&
    Number(iat) <= seconds + clockSkewS &&
    Number(exp) - Number(iat) <= longestLifeS + clockSkewS;
  return header['alg'] === 'RS256' && String(iss) === String(app.appId) && times;
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
}
