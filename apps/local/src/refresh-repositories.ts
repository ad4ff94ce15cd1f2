import { type Repository, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { addRepository } from './add-repository.ts';
import type { Context } from './context.ts';

/** Give repositories of the local forge the addresses of this start, where the ports are not those of the last one. */
export async function refreshRepositories(kube: KubeApi, context: Context): Promise<void> {
  const { items } = await kube.list<Repository>(resources.repositories);
  for (const { metadata, spec } of items) {
    if (spec?.forge.type !== 'local' || spec.forge.apiUrl === context.forgeUrl) continue;
    await addRepository(metadata.name, spec.defaultBranch, context, {
      kube,
      namespace: metadata.namespace ?? 'default',
    });
  }
}
