import { mkdir, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KubeconfigError } from '@sluice/kube';

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

type Place = {
  /** What was asked for: a file, or several separated by colons. */
  readonly kubeconfig: string | undefined;
  readonly dataDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * The kubeconfig for helm, by the same rules as for ourselves. In a pod one is written that leads to the account's token,
 * which helm reads anew each time. Throws KubeconfigError.
 */
export async function helmKubeconfig({ kubeconfig, dataDirectory, env }: Place): Promise<string> {
  if (!kubeconfig && env['KUBERNETES_SERVICE_HOST']) return writeInCluster(dataDirectory, env);
  const path = kubeconfig ?? join(env['HOME'] ?? homedir(), '.kube', 'config');
  if (path.includes(':'))
    throw new KubeconfigError(
      `kubeconfig ${path}: helm is given one file only; merge them with kubectl config view --raw`,
    );
  await stat(path).catch(() => {
    throw new KubeconfigError(`kubeconfig ${path} does not exist; name one with --kubeconfig or KUBECONFIG`);
  });
  return path;
}

async function writeInCluster(directory: string, env: Place['env']): Promise<string> {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`;
  const cluster = { server, 'certificate-authority': join(serviceAccount, 'ca.crt') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'own', cluster }],
    users: [{ name: 'own', user: { tokenFile: join(serviceAccount, 'token') } }],
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
    'current-context': 'own',
  };
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'kubeconfig');
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}
