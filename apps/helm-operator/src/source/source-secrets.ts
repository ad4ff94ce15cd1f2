import { resources, type KubeObject } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { Secret } from '@sluice/runtime';
import type { FetchAccess } from './fetch-url.ts';
import { SourceError } from './source-error.ts';

type SecretObject = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/** The decoded keys of a Secret beside a source. Throws {@link SourceError} when it does not exist. */
export async function readSecret(
  kube: KubeApi,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const secret = await kube.get<SecretObject>(resources.secrets, { namespace, name }, signal);
  if (!secret) throw new SourceError('AuthenticationFailed', `Secret ${namespace}/${name} does not exist; make it`);
  const entries = Object.entries(secret.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}

/** User and password from a Secret's keys. */
export function basicOf(keys: Readonly<Record<string, string>>, name: string): NonNullable<FetchAccess['basic']> {
  const { username, password } = keys;
  if (username === undefined || password === undefined)
    throw new SourceError('AuthenticationFailed', `Secret ${name} (spec.secretRef) must have username and password`);
  return { username, password: new Secret(password) };
}

/** Certificates from a Secret's keys `ca.crt`, `tls.crt` and `tls.key`. */
export function tlsOf(keys: Readonly<Record<string, string>>, name: string): NonNullable<FetchAccess['tls']> {
  const { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key } = keys;
  if (!ca && !(cert && key))
    throw new SourceError(
      'AuthenticationFailed',
      `Secret ${name} (spec.certSecretRef) needs ca.crt, or tls.crt and tls.key`,
    );
  return { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) };
}
