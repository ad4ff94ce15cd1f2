import { createKubeApi, httpTransport, loadKubeconfig, type ClusterAccess } from '@sluice/kube';
import type { KubeApi } from '@sluice/reconcile';
import type { ClusterAccessPort } from './target-cluster.ts';

const fieldManager = 'sluice-helm-operator';

/** Clients for other users by impersonation, and for other clusters by their kubeconfigs. */
export function clusterAccess(own: ClusterAccess, directory: string): ClusterAccessPort {
  return {
    directory,
    impersonated: (user) => connect(own, user),
    // An environment of its own: a kubeconfig of somebody else must not lead to our credentials.
    remote: async (path, user) => connect(await loadKubeconfig({ path, env: {} }), user),
  };
}

function connect(access: ClusterAccess, user: string | undefined): KubeApi {
  const headers = async (): Promise<Readonly<Record<string, string>>> => ({
    ...(await access.headers?.()),
    ...(user ? { 'impersonate-user': user } : {}),
  });
  return createKubeApi({ transport: httpTransport({ ...access, headers }), fieldManager });
}
