import { randomBytes } from 'node:crypto';
import { type Repository, resources } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import type { Context } from './context.ts';
import { forgeClient } from './forge-client.ts';

export type AddedRepository = {
  readonly name: string;
  readonly namespace: string;
  readonly branch: string;
  /** Clone and push URL with the forge's token in it. */
  readonly pushUrl: string;
};

type Place = { readonly kube: KubeApi; readonly namespace: string };
type SecretObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  data?: Record<string, string>;
};

/** A repository in the local forge, its webhook, its Secrets and its Repository object. Doing it twice is doing it once. */
export async function addRepository(
  name: string,
  branch: string,
  context: Context,
  place: Place,
  signal?: AbortSignal,
): Promise<AddedRepository> {
  const { kube, namespace } = place;
  const existing = await kube.get<Repository>(resources.repositories, { namespace, name }, signal);
  const route = existing?.spec?.webhook.route ?? randomBytes(16).toString('hex');
  const hookSecret = await ensureSecret(place, `${name}-webhook`, 'secret', () => randomBytes(32).toString('hex'));
  await ensureSecret(place, `${name}-forge`, 'token', () => context.token);

  const webhook = { url: `${context.receiverUrl}/hooks/${route}`, secret: hookSecret };
  await forgeClient(context)('POST', '/repos', { name, defaultBranch: branch, webhook }, signal);
  const url = `${context.gitUrl}/${name}.git`;
  const repository: Repository = {
    apiVersion: 'sluice.dev/v1alpha1',
    kind: 'Repository',
    metadata: { name, namespace },
    spec: {
      forge: { type: 'local', apiUrl: context.forgeUrl, repository: name, secretRef: { name: `${name}-forge` } },
      url,
      defaultBranch: branch,
      webhook: { route, secretRef: { name: `${name}-webhook` } },
    },
  };
  await kube.apply(resources.repositories, repository, { fieldManager: 'sluice-cli' });
  return { name, namespace, branch, pushUrl: withToken(url, context.token) };
}

/** The value under `key`, made by `create` when the Secret is not there yet. */
async function ensureSecret(place: Place, name: string, key: string, create: () => string): Promise<string> {
  const { kube, namespace } = place;
  const found = await kube.get<SecretObject>(resources.secrets, { namespace, name });
  const stored = found?.data?.[key];
  if (stored) return Buffer.from(stored, 'base64').toString('utf8');
  const value = create();
  const data = { [key]: Buffer.from(value, 'utf8').toString('base64') };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data };
  try {
    await kube.create<SecretObject>(resources.secrets, secret);
    return value;
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
    const winner = await kube.get<SecretObject>(resources.secrets, { namespace, name });
    return Buffer.from(winner?.data?.[key] ?? '', 'base64').toString('utf8');
  }
}

function withToken(url: string, token: string): string {
  const parsed = new URL(url);
  parsed.username = 'sluice';
  parsed.password = token;
  return parsed.toString();
}
