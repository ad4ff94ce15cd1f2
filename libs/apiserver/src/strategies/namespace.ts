import type { KubeObject } from '@sluice/model';
import { listAt, recordAt, withField, withMetadata } from '../objects/json.ts';
import type { Strategy } from '../rest/api.ts';

/** Namespaces that are made at start-up and cannot be deleted. */
export const systemNamespaces: readonly string[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** A namespace stays, Terminating, until the namespace controller has emptied it and finalized it. */
export const namespaceStrategy: Strategy = {
  prepareCreate: (namespace) => named(withField(withPhase(namespace, 'Active'), 'spec', finalizersWith(namespace))),
  prepareUpdate: (namespace, old) => named(withField(namespace, 'spec', old.spec)),
  refuseDelete: ({ metadata }) =>
    systemNamespaces.includes(metadata.name) ? 'this namespace may not be deleted' : undefined,
  markDeleted: (namespace) => withPhase(namespace, 'Terminating'),
  isHeld: (namespace) => listAt(namespace, 'spec', 'finalizers').length > 0,
};

function withPhase(namespace: KubeObject, phase: string): KubeObject {
  return withField(namespace, 'status', { ...recordAt(namespace, 'status'), phase });
}

function finalizersWith(namespace: KubeObject): Record<string, unknown> {
  const given = listAt(namespace, 'spec', 'finalizers');
  return {
    ...recordAt(namespace, 'spec'),
    finalizers: given.includes('kubernetes') ? given : [...given, 'kubernetes'],
  };
}

/** The label by which network policies and selectors find a namespace. */
function named(namespace: KubeObject): KubeObject {
  const { labels, name } = namespace.metadata;
  return withMetadata(namespace, { labels: { ...labels, 'kubernetes.io/metadata.name': name } });
}
