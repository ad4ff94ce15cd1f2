import type { KindInfo } from '../kinds/kind.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { type KindRegistry, storageId } from '../registry/kind-registry.ts';
import type { Strategy } from '../rest/api.ts';
import { definitionStrategy } from './custom-resource-definition.ts';
import { namespaceStrategy } from './namespace.ts';
import { podStrategy } from './pod.ts';
import { ServiceAddresses, serviceStrategy } from './service.ts';
import { jobStrategy, secretStrategy, volumeStrategy } from './workload.ts';

/** The strategies of the kinds that need one, by storage id. */
export function strategyTable(
  objects: ObjectStore,
  registry: KindRegistry,
  serviceNetwork: string,
  now: () => number,
): (kind: KindInfo) => Strategy {
  const strategies: Readonly<Record<string, Strategy>> = {
    pods: podStrategy(objects, now),
    services: serviceStrategy(new ServiceAddresses(objects.collection('services'), serviceNetwork)),
    namespaces: namespaceStrategy,
    secrets: secretStrategy,
    'jobs.batch': jobStrategy,
    persistentvolumes: volumeStrategy,
    persistentvolumeclaims: volumeStrategy,
    'customresourcedefinitions.apiextensions.k8s.io': definitionStrategy(registry, now),
  };
  const none: Strategy = {};
  return (kind) => strategies[storageId(kind)] ?? none;
}
