export { clusterSettings, connectCluster } from './cluster-settings.ts';
export type { ClusterAccess, HttpTransport } from './http-transport.ts';
export { httpTransport } from './http-transport.ts';
export type { KubeApiOptions } from './kube-client.ts';
export { createKubeApi } from './kube-client.ts';
export type { KubeconfigOptions } from './kubeconfig.ts';
export { KubeconfigError, loadKubeconfig } from './kubeconfig.ts';
export { collectionPath, objectPath } from './resource-path.ts';
