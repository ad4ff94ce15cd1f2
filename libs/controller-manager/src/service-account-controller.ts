import { type KubeObject, type ObjectKey, resources } from '@sluice/model';
import { type Controller, createController, isKubeError, type ReconcileResult } from '@sluice/reconcile';
import type { ManagerContext } from './manager-context.ts';
import { isNamespaceTerminating } from './replica-set-controller.ts';

const account = 'default';
const authority = 'kube-root-ca.crt';

/**
 * Gives every namespace its ServiceAccount `default` and, when the certificate of the API server's authority is known, the
 * ConfigMap that programs in pods check the API server against.
 */
export function serviceAccountController(context: ManagerContext, ca: string | undefined): Controller {
  const { kube, informers, log } = context;
  const namespaces = informers.informer(resources.namespaces);
  const accounts = informers.informer(resources.serviceAccounts);
  const configMaps = informers.informer(resources.configMaps, { fieldSelector: `metadata.name=${authority}` });

  async function reconcile({ name: namespace }: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const found = namespaces.get({ name: namespace });
    if (!found || found.metadata.deletionTimestamp) return {};
    const wanted: [typeof resources.serviceAccounts, KubeObject][] = [];
    if (!accounts.get({ namespace, name: account })) {
      const metadata = { name: account, namespace };
      wanted.push([resources.serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }]);
    }
    if (ca !== undefined && !configMaps.get({ namespace, name: authority })) {
      const metadata = { name: authority, namespace };
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': ca } };
      wanted.push([resources.configMaps, map]);
    }
    for (const [resource, object] of wanted) {
      try {
        await kube.create(resource, object, { signal });
      } catch (error) {
        const passing = isKubeError(error, 'Forbidden') && isNamespaceTerminating(error.status);
        if (!passing && !isKubeError(error, 'AlreadyExists', 'NotFound')) throw error;
      }
    }
    return {};
  }

  const namespaceKeys = (wanted: string) => (object: KubeObject) => {
    const { name, namespace } = object.metadata;
    return name === wanted && namespace ? [{ name: namespace }] : [];
  };
  return createController({
    name: 'serviceaccount',
    informers,
    log,
    reconcile,
    watches: [
      { resource: resources.namespaces },
      { resource: resources.serviceAccounts, keysOf: namespaceKeys(account) },
      { resource: resources.configMaps, fieldSelector: `metadata.name=${authority}`, keysOf: namespaceKeys(authority) },
    ],
  });
}
