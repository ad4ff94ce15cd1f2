import type { KubeApi } from '@sluice/reconcile';
import {
  type Closers,
  integerSetting,
  type Reporting,
  reportingOf,
  type SettingValues,
  textSetting,
} from '@sluice/runtime';
import type { ClusterAccess } from './http-transport.ts';
import { httpTransport } from './http-transport.ts';
import { createKubeApi } from './kube-client.ts';
import { loadKubeconfig } from './kubeconfig.ts';

/** Which cluster a program works on, and in which of its namespaces. */
export const clusterSettings = {
  kubeconfig: textSetting({
    env: 'KUBECONFIG',
    placeholder: 'FILE',
    help: 'cluster to work on (default: in a pod its own cluster, else ~/.kube/config)',
  }),
  context: textSetting({ env: 'SLUICE_CONTEXT', placeholder: 'NAME', help: 'context of the kubeconfig' }),
  namespace: textSetting({ env: 'SLUICE_NAMESPACE', placeholder: 'NAME', help: 'watch this namespace only' }),
  apiRate: integerSetting({
    env: 'SLUICE_API_RATE',
    help: 'most requests a second to the API server, twice as many at once',
    fallback: 200,
    least: 1,
    most: 100_000,
  }),
};

/** The API of the cluster that the settings name, and how it is reached. Throws KubeconfigError. */
export async function connectCluster(
  settings: SettingValues<typeof clusterSettings>,
  parts: Reporting & {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly closers: Closers;
    readonly fieldManager: string;
  },
): Promise<{ readonly kube: KubeApi; readonly access: ClusterAccess }> {
  const { kubeconfig, context, apiRate } = settings;
  // KUBECONFIG may name several files: what is in the environment is read as kubectl reads it.
  const path = kubeconfig === parts.env['KUBECONFIG'] ? undefined : kubeconfig;
  const access = await loadKubeconfig({ env: parts.env, ...(path ? { path } : {}), ...(context ? { context } : {}) });
  const transport = httpTransport(access);
  parts.closers.add(() => transport.close());
  const kube = createKubeApi({
    transport,
    fieldManager: parts.fieldManager,
    host: new URL(access.server).host,
    rateLimit: { perSecond: apiRate, burst: 2 * apiRate },
    ...reportingOf(parts),
  });
  return { kube, access };
}
