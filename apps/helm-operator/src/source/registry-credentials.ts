import { resources, type KubeObject, type ObjectKey } from '@sluice/model';
import { OciClientError, type Credentials } from '@sluice/oci';
import type { KubeApi } from '@sluice/reconcile';
import { Secret } from '@sluice/runtime';

/** Credentials for a registry from a Secret as `kubectl create secret docker-registry` makes it. */
export async function registryCredentials(
  kube: KubeApi,
  key: ObjectKey,
  host: string,
): Promise<Credentials | undefined> {
  const secret = await kube.get<KubeObject & { data?: Record<string, string> }>(resources.secrets, key);
  const { name } = key;
  const text = secret?.data?.['.dockerconfigjson'];
  if (!text)
    throw new OciClientError('Denied', `Secret ${name} (spec.secretRef) is missing or has no .dockerconfigjson`);
  let config: { auths?: Record<string, { auth?: string; username?: string; password?: string }> };
  try {
    config = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as typeof config;
  } catch {
    throw new OciClientError('Denied', `Secret ${name} (spec.secretRef): .dockerconfigjson is not JSON`);
  }
  const entry = Object.entries(config.auths ?? {}).find(
    ([server]) => server.replace(/^https?:\/\//, '').split('/')[0] === host,
  )?.[1];
  if (!entry) return undefined;
  const [user = '', ...rest] = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .split(':');
  return { username: entry.username ?? user, password: new Secret(entry.password ?? rest.join(':')) };
}
