import { customResourceDefinitions, type KubeObject, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';

const digestKey = 'sluice.dev/definition-digest';

/** Install or update the definitions of our kinds. Definitions that are up to date cost one list. */
export async function ensureCustomResources(kube: KubeApi, digestOf: (text: string) => string): Promise<void> {
  const { items } = await kube.list(resources.customResourceDefinitions);
  const installed = new Map(items.map((item) => [item.metadata.name, item.metadata.annotations?.[digestKey]]));
  const missing = customResourceDefinitions()
    .map((definition) => ({ definition, digest: digestOf(JSON.stringify(definition)) }))
    .filter(({ definition, digest }) => installed.get(definition.metadata.name) !== digest);
  await Promise.all(missing.map(({ definition, digest }) => apply(kube, definition, digest)));
}

async function apply(kube: KubeApi, definition: KubeObject, digest: string): Promise<void> {
  const metadata = { ...definition.metadata, annotations: { ...definition.metadata.annotations, [digestKey]: digest } };
  await kube.apply(resources.customResourceDefinitions, { ...definition, metadata }, { fieldManager: 'sluice-local' });
}
