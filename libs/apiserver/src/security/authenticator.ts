import { createHash, timingSafeEqual } from 'node:crypto';
import type { ObjectStore } from '../objects/object-store.ts';
import type { User } from '../rest/api.ts';
import { ownerOf, type ServiceAccountTokens } from './service-account-tokens.ts';

/** The user of in-process callers and of the admin token: may do everything. */
export const admin: User = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

/** Tokens that were verified are not verified again for this long. */
const rememberMs = 60_000;
const maxRemembered = 1_000;

export type Authenticator = {
  /** The user behind a bearer token; undefined when it is nobody's. */
  authenticate(token: string): Promise<User | undefined>;
};

/** The token of an Authorization header; undefined when there is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  const match = /^Bearer +(\S+)$/i.exec(authorization ?? '');
  return match?.[1];
}

/** Knows the admin token and the tokens of service accounts that exist. */
export function createAuthenticator(
  adminToken: string,
  tokens: ServiceAccountTokens,
  objects: ObjectStore,
  now: () => number,
): Authenticator {
  const adminHash = hash(adminToken);
  const remembered = new Map<
    string,
    { readonly payload: Awaited<ReturnType<ServiceAccountTokens['verify']>>; readonly until: number }
  >();

  const verify = async (token: string): ReturnType<ServiceAccountTokens['verify']> => {
    const known = remembered.get(token);
    if (known && known.until > now()) return known.payload;
    const payload = await tokens.verify(token, now());
    if (remembered.size >= maxRemembered) remembered.clear();
    if (payload) remembered.set(token, { payload, until: Math.min(now() + rememberMs, (payload.exp ?? 0) * 1_000) });
    return payload;
  };

  return {
    async authenticate(token) {
      if (timingSafeEqual(hash(token), adminHash)) return admin;
      const payload = await verify(token);
      const owner = payload && ownerOf(payload);
      if (!owner) return undefined;
      const { namespace, name, pod, user } = owner;
      const account = objects.collection('serviceaccounts').get(`${namespace}/${name}`);
      if (account?.object.metadata.uid !== user.uid) return undefined;
      if (pod && objects.collection('pods').get(`${namespace}/${pod.name}`)?.object.metadata.uid !== pod.uid)
        return undefined;
      return user;
    },
  };
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
