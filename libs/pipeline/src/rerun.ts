import { apiVersionOf, keys, resources, type JsonObject, type KubeObject } from '@sluice/model';
import type { CompiledWorkflow } from './compile.ts';
import { workflowName } from './workflow-name.ts';

export type RerunContext = {
  readonly repositoryUid: string;
  /** What asked for it: names the new run. */
  readonly triggerKey: string;
  /** See keys.order in @sluice/model. */
  readonly order: number;
  readonly delivery?: string;
  /** False when the commit is not what its ref points to any more: an old commit is tested again, never deployed again. */
  readonly current: boolean;
};

/** Annotations that belong to the run that was, not to one like it. */
const ofTheFirst: readonly string[] = [keys.reported, keys.released, keys.check, keys.delivery];

/** The Workflow that runs again what another one ran: same commit, same steps, same trust, a name of its own. Pure. */
export function buildRerun(found: KubeObject<JsonObject>, context: RerunContext): CompiledWorkflow {
  const { labels = {}, annotations = {}, namespace, ownerReferences } = found.metadata;
  const { repositoryUid, triggerKey, order, delivery, current } = context;
  const name = workflowName({
    repository: labels[keys.repository] ?? '',
    repositoryUid,
    pipeline: labels[keys.pipeline] ?? '',
    sha: labels[keys.sha] ?? '',
    triggerKey,
  });
  const kept = Object.entries(annotations).filter(([key]) => {
    return key.startsWith('sluice.dev/') && !ofTheFirst.includes(key) && (current || key !== keys.deploy);
  });
  const { shutdown: _shutdown, suspend: _suspend, ...spec } = found.spec ?? {};
  return {
    apiVersion: apiVersionOf(resources.workflows),
    kind: resources.workflows.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: Object.fromEntries(Object.entries(labels).filter(([key]) => key.startsWith('sluice.dev/'))),
      annotations: {
        ...Object.fromEntries(kept),
        [keys.triggerKey]: triggerKey,
        [keys.order]: String(order),
        ...(delivery === undefined ? {} : { [keys.delivery]: delivery }),
      },
      ...(ownerReferences ? { ownerReferences } : {}),
    },
    spec,
  };
}
