import { apiVersionOf, type Resource } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import type { Operator } from './operator.ts';

const idOf = ({ plural, group }: Resource): string => (group ? `${plural}.${group}` : plural);

/**
 * Throws, with what to do, when the cluster does not serve a kind of the operator's own. Other kinds that it watches may still come: for
 * them it says once that it waits.
 */
export async function checkServed(operator: Operator, kube: KubeApi, log: Log): Promise<void> {
  const watched = operator.controllers.flatMap(({ watches }) => watches.map(({ resource }) => resource));
  const all = new Map([...operator.kinds, ...watched].map((resource) => [idOf(resource), resource]));
  const own = new Set(operator.kinds.map(idOf));
  for (const [id, resource] of all) {
    if (await isServed(kube, resource)) continue;
    if (own.has(id)) {
      throw new Error(
        `the cluster does not serve ${resource.kind} of ${apiVersionOf(resource)}; install the chart, or start with --apply-definitions`,
      );
    }
    log.warn('a kind is not served yet: the controllers that watch it wait', { resource: id });
  }
}

/** A refusal counts as served: the caches will meet it too, and tell more. */
async function isServed(kube: KubeApi, resource: Resource): Promise<boolean> {
  try {
    await kube.list(resource, { limit: 1, metadataOnly: true });
    return true;
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return false;
    if (isKubeError(error, 'Forbidden')) return true;
    throw error;
  }
}
