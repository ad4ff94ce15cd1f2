import { keyOf, type KubeObject, type Resource } from '@sluice/model';
import { readManifest, type ReleaseRecord } from '@sluice/helm';
import { matchesRequirements, parseLabelSelector, SelectorError, type KubeApi } from '@sluice/reconcile';
import { detectDrift, isDriftIgnored, takeOverFields, type DriftPlan, type ObjectDrift } from '@sluice/release';
import { ClusterKinds } from './cluster-kinds.ts';

const helmManager = 'helm';
const atATime = 8;

/** An object that drifted, and the resource to mend it with. */
export type FoundDrift = ObjectDrift & { readonly resource: Resource };

/**
 * Compare the stored manifest of a release with the cluster: each object is applied as helm applies it, as a dry run, and the answer
 * compared with what is there. Nothing is written but whose the fields of the overridden managers are.
 */
export async function findDrift(
  kube: KubeApi,
  record: ReleaseRecord,
  plan: DriftSearch,
  signal: AbortSignal,
): Promise<readonly FoundDrift[]> {
  const kinds = new ClusterKinds(kube);
  const objects = readManifest(record.manifest).filter((object) => !isDriftIgnored(object));
  const found: FoundDrift[] = [];
  for (let start = 0; start < objects.length; start += atATime) {
    const some = objects.slice(start, start + atATime);
    const drift = await Promise.all(
      some.map(async (object) => {
        const resource = await kinds.resourceOf(object, signal);
        return resource && compare(kube, { object: owned(object, record, resource), resource, plan, signal });
      }),
    );
    found.push(...drift.filter((item) => item !== undefined));
  }
  return found;
}

/** What to leave out, and whose fields are helm's. */
export type DriftSearch = Pick<DriftPlan, 'ignore'> & { readonly overrideManagers: readonly string[] };

type Comparison = {
  readonly object: KubeObject;
  readonly resource: Resource;
  readonly plan: DriftSearch;
  readonly signal: AbortSignal;
};

async function compare(kube: KubeApi, { object, resource, plan, signal }: Comparison): Promise<FoundDrift | undefined> {
  const live = await kube.get(resource, keyOf(object), signal);
  if (!live) return { object, resource, missing: true, operations: [] };
  if (isDriftIgnored(live)) return undefined;
  const { managedFields = [], resourceVersion } = live.metadata;
  const ours = takeOverFields(managedFields, plan.overrideManagers, helmManager);
  if (ours) {
    const metadata = { managedFields: ours, ...(resourceVersion ? { resourceVersion } : {}) };
    await kube.patch(resource, keyOf(object), { type: 'merge', body: { metadata } }, { signal });
  }
  const wanted = await kube.apply(resource, object, { fieldManager: helmManager, dryRun: true, signal });
  const operations = detectDrift(live, wanted, plan, matchesSelector);
  return operations.length > 0 ? { object, resource, missing: false, operations } : undefined;
}

/** Helm adds its ownership to every object when it applies them; the stored manifest is without. */
function owned(object: KubeObject, { name, namespace }: ReleaseRecord, resource: Resource): KubeObject {
  const { metadata } = object;
  const labels = { ...metadata.labels, 'app.kubernetes.io/managed-by': 'Helm' };
  const annotations = {
    ...metadata.annotations,
    'meta.helm.sh/release-name': name,
    'meta.helm.sh/release-namespace': namespace,
  };
  const place = resource.namespaced ? { namespace: metadata.namespace ?? namespace } : {};
  return { ...object, metadata: { ...metadata, ...place, labels, annotations } };
}

function matchesSelector(selector: string, labels: Readonly<Record<string, string>>): boolean {
  try {
    return matchesRequirements(parseLabelSelector(selector), labels);
  } catch (error) {
    if (error instanceof SelectorError) return false;
    throw error;
  }
}

/** Bring drifted objects back, in the order of the manifest. Returns what could not be mended, in words. */
export async function correctDrift(
  kube: KubeApi,
  drift: readonly FoundDrift[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { object, resource, missing, operations } of drift) {
    const write = { fieldManager: helmManager, signal };
    try {
      if (missing) await kube.apply(resource, object, write);
      else await kube.patch(resource, keyOf(object), { type: 'json', body: operations }, write);
    } catch (error) {
      if (signal.aborted) throw error;
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      failed.push(`${object.kind}/${object.metadata.name}: ${why.slice(0, 300)}`);
    }
  }
  return failed;
}
