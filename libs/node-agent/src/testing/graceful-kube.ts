import { resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import type { FakeKube } from '@sluice/reconcile/testing';

/** Keeps a pod that is being deleted until the node says that it is gone, as a real API server does. */
export const gracefulFinalizer = 'test/graceful';

/** The fake as the node agent sees it: deleting a pod with grace 0 takes the finalizer of the test away. */
export function gracefulKube(kube: FakeKube): KubeApi {
  return {
    get: (resource, key) => kube.get(resource, key),
    list: (resource, options) => kube.list(resource, options),
    watch: (resource, options) => kube.watch(resource, options),
    create: (resource, object, options) => kube.create(resource, object, options),
    replace: (resource, object, options) => kube.replace(resource, object, options),
    apply: (resource, object, options) => kube.apply(resource, object, options),
    patch: (resource, key, patch, options) => kube.patch(resource, key, patch, options),
    logs: (pod, options) => kube.logs(pod, options),
    async delete(resource, key, options) {
      const found = kube.objects(resource).find(({ metadata }) => metadata.name === key.name);
      if (resource === resources.pods && found?.metadata.finalizers?.includes(gracefulFinalizer)) {
        const { finalizers: _, deletionTimestamp: _deleted, ...metadata } = found.metadata;
        kube.put(resource, { ...found, metadata });
      }
      await kube.delete(resource, key, options);
    },
  };
}
