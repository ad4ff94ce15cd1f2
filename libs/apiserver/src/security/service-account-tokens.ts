import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { isRecord, textAt } from '../objects/json.ts';
import type { User } from '../rest/api.ts';

/** What every token of this server names as its issuer and default audience. */
export const issuer = 'https://kubernetes.default.svc';

/** What `/.well-known/openid-configuration` says of the tokens. */
export const issuerConfiguration = Object.freeze({
  issuer,
  jwks_uri: `${issuer}/openid/v1/jwks`,
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES256'],
});

/** A new private key for service account tokens, PEM. */
export function createTokenKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export type TokenSubject = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly seconds: number;
  /** The object that the token dies with. */
  readonly bound?: { readonly kind: string; readonly name: string; readonly uid: string };
};

/** Signs and verifies service account tokens as a cluster does: JWTs of the account, optionally bound to a pod. */
export class ServiceAccountTokens {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #keyId: string;

  constructor(pem: string) {
    this.#private = createPrivateKey(pem);
    this.#public = createPublicKey(this.#private);
    const der = this.#public.export({ type: 'spki', format: 'der' });
    this.#keyId = createHash('sha256').update(der).digest('base64url');
  }

  async sign({ namespace, name, uid, audiences, seconds, bound }: TokenSubject, now: number): Promise<string> {
    const issued = Math.floor(now / 1_000);
    const claims = {
      'kubernetes.io': {
        namespace,
        serviceaccount: { name, uid },
        ...(bound ? { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } } : {}),
      },
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: this.#keyId })
      .setIssuer(issuer)
      .setAudience([...audiences])
      .setSubject(`system:serviceaccount:${namespace}:${name}`)
      .setIssuedAt(issued)
      .setNotBefore(issued)
      .setExpirationTime(issued + seconds)
      .sign(this.#private);
  }

  /** The claims of a token that this server signed and that has not expired; undefined for any other text. */
  async verify(token: string, now: number): Promise<JWTPayload | undefined> {
    try {
      const options = { issuer, algorithms: ['ES256'], currentDate: new Date(now), audience: issuer };
      return (await jwtVerify(token, this.#public, options)).payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  /** The JSON Web Key Set that others verify tokens with. */
  keySet(): Record<string, unknown> {
    const key = this.#public.export({ format: 'jwk' });
    return { keys: [{ ...key, use: 'sig', alg: 'ES256', kid: this.#keyId }] };
  }
}

/** The account and pod that a token speaks for; undefined when the claims are not those of a service account. */
export type TokenOwner = {
  readonly user: User;
  readonly namespace: string;
  readonly name: string;
  readonly pod?: { readonly name: string; readonly uid: string };
};

/** Read verified claims. */
export function ownerOf(payload: JWTPayload): TokenOwner | undefined {
  const claims = payload['kubernetes.io'];
  if (!isRecord(claims)) return undefined;
  const namespace = textAt(claims, 'namespace');
  const name = textAt(claims, 'serviceaccount', 'name');
  const uid = textAt(claims, 'serviceaccount', 'uid');
  if (namespace === '' || name === '' || uid === '') return undefined;
  const pod = { name: textAt(claims, 'pod', 'name'), uid: textAt(claims, 'pod', 'uid') };
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  const user: User = { username: `system:serviceaccount:${namespace}:${name}`, uid, groups };
  return { user, namespace, name, ...(pod.name === '' ? {} : { pod }) };
}
