import type { JsonObject, KubeObject, ObjectKey, Resource } from '@sluice/model';
import { resources } from '@sluice/model';
import { type EventRecorder, isKubeError, type KubeApi, KubeApiError } from '@sluice/reconcile';
import { retriesAnnotation } from '@sluice/workflow';
import type { Lookup, SemaphoreLimit, SemaphoreReference, Workflow, WorkflowSpec } from '@sluice/workflow';
import { parse } from 'yaml';
import { findArtifactRepository } from './artifact-repository.ts';
import { RefusedError, type WorkflowPorts } from './ports.ts';

/** Where objects are read from: informer caches in the program, the API itself in tests. */
export type WorkflowReader = {
  workflow(key: ObjectKey): Promise<Workflow | undefined>;
  pods(workflow: Workflow): Promise<readonly KubeObject[]>;
  lookup(namespace: string): Promise<Lookup>;
};

export type KubePortsOptions = {
  readonly kube: KubeApi;
  readonly reader: WorkflowReader;
  readonly events: Pick<EventRecorder, 'event'>;
  readonly now: () => number;
  readonly outputs: () => 'native' | 'wrapper';
  /** The artifact repository of workflows whose namespace has none. */
  readonly artifactRepository?: JsonObject | undefined;
  /** Have a workflow looked at soon. */
  readonly wake?: (key: ObjectKey) => void;
};

const typeLabel = 'workflows.argoproj.io/configmap-type';
const fieldManager = 'sluice-workflow-controller';
const callTimeoutMs = 30_000;

/** The reconciler's ports over the Kubernetes API. */
export function kubePorts({
  kube,
  reader,
  events,
  now,
  outputs,
  artifactRepository,
  wake = () => undefined,
}: KubePortsOptions): WorkflowPorts {
  const within = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
  return {
    getWorkflow: (key) => reader.workflow(key),
    podsOf: (workflow) => reader.pods(workflow),
    lookup: (namespace) => reader.lookup(namespace),
    createPod: (pod, signal) => createOwned(kube, resources.pods, pod as unknown as KubeObject, within(signal)),
    deletePod: (key, signal) => kube.delete(resources.pods, key, { signal: within(signal) }),
    createClaim: (claim, signal) => createOwned(kube, resources.persistentVolumeClaims, claim, within(signal)),
    deleteClaim: (key, signal) => kube.delete(resources.persistentVolumeClaims, key, { signal: within(signal) }),
    patchWorkflow: (key, body: JsonObject, signal) =>
      kube.patch<Workflow>(resources.workflows, key, { type: 'merge', body }, { fieldManager, signal: within(signal) }),
    recordEvent: (workflow, type, reason, message) => events.event(workflow, type, reason, message),
    createBudget: (budget, signal) => createMissing(kube, resources.podDisruptionBudgets, budget, within(signal)),
    deleteBudget: (key, signal) => kube.delete(resources.podDisruptionBudgets, key, { signal: within(signal) }),
    saveCache: (key, entryKey, entry, signal) => saveCache(kube, key, { [entryKey]: entry }, within(signal)),
    semaphoreLimit: (reference, signal) => readSemaphoreLimit(kube, reference, within(signal)),
    artifactRepository: (namespace, reference, signal) =>
      findArtifactRepository(kube, namespace, reference, artifactRepository, within(signal)),
    wake,
    async deleteWorkflow({ metadata }, signal) {
      const key = { namespace: metadata.namespace ?? '', name: metadata.name };
      await kube.delete(resources.workflows, key, {
        ...(metadata.uid ? { uid: metadata.uid } : {}),
        propagationPolicy: 'Background',
        signal: within(signal),
      });
    },
    parseYaml: (text) => parse(text, { maxAliasCount: 100 }) as unknown,
    now,
    outputs,
  };
}

async function readSemaphoreLimit(
  kube: KubeApi,
  { namespace, name, key }: SemaphoreReference,
  signal: AbortSignal,
): Promise<SemaphoreLimit> {
  const found = (await kube.get(resources.configMaps, { namespace, name }, signal)) as
    (KubeObject & { readonly data?: Readonly<Record<string, string>> }) | undefined;
  if (!found) return { ok: false, message: `configmaps "${name}" not found in namespace ${namespace}` };
  const text = found.data?.[key];
  if (text === undefined) return { ok: false, message: `configmap ${namespace}/${name} has no key '${key}'` };
  const limit = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
  if (limit === undefined)
    return { ok: false, message: `configmap ${namespace}/${name}: ${key} is not a whole number of 0 or more` };
  return { ok: true, limit };
}

/** Create; an object of that name with the same owner is ours from an earlier try. */
async function createOwned(kube: KubeApi, resource: Resource, object: KubeObject, signal: AbortSignal): Promise<void> {
  try {
    await kube.create(resource, object, { fieldManager, signal });
  } catch (error) {
    if (isKubeError(error, 'AlreadyExists')) return ensureOurs(kube, resource, object, signal);
    throw toRefusal(error) ?? error;
  }
}

/** Create; what is there already stays. */
async function createMissing(
  kube: KubeApi,
  resource: Resource,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  try {
    await kube.create(resource, object, { fieldManager, signal });
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
  }
}

async function ensureOurs(kube: KubeApi, resource: Resource, object: KubeObject, signal: AbortSignal): Promise<void> {
  const { namespace, name, ownerReferences } = object.metadata;
  const present = await kube.get(resource, namespace ? { namespace, name } : { name }, signal);
  const wanted = ownerReferences?.[0]?.uid;
  if (present?.metadata.annotations?.[retriesAnnotation] !== object.metadata.annotations?.[retriesAnnotation])
    throw new Error(`${resource.kind.toLowerCase()} "${name}" of an earlier try of this run is not gone yet`);
  if (!present || present.metadata.ownerReferences?.some(({ uid }) => uid === wanted)) return;
  throw new RefusedError(
    `${resource.kind.toLowerCase()} "${name}" already exists and belongs to somebody else; delete it or rename the workflow`,
    false,
  );
}

/** Refusals that concern the object itself; undefined for faults that may pass. */
function toRefusal(error: unknown): RefusedError | undefined {
  if (!(error instanceof KubeApiError)) return undefined;
  const { code, message } = error;
  const quota = code === 403 && /exceeded quota/.test(message);
  if (quota) return new RefusedError(message, true, { cause: error });
  return code === 400 || code === 403 || code === 422 ? new RefusedError(message, false, { cause: error }) : undefined;
}

/** A lookup over the templates and ConfigMaps of a namespace. */
export function lookupOver(find: {
  template(name: string): KubeObject | undefined;
  clusterTemplate(name: string): KubeObject | undefined;
  configMap(name: string): KubeObject | undefined;
}): Lookup {
  return {
    workflowTemplate(name, clusterScope) {
      const found = clusterScope ? find.clusterTemplate(name) : find.template(name);
      const spec = found?.spec as WorkflowSpec | undefined;
      return spec && isWellFormed(spec) ? spec : undefined;
    },
    configMap(name) {
      const found = find.configMap(name) as
        (KubeObject & { readonly data?: Readonly<Record<string, string>> }) | undefined;
      return (
        found && {
          data: found.data ?? {},
          labelled: found.metadata.labels?.[typeLabel] === 'Parameter',
          type: found.metadata.labels?.[typeLabel],
        }
      );
    },
  };
}

/** What the API stores may be of any form; a template whose lists are none must harm nobody but those that use it. */
function isWellFormed({ templates = [], arguments: given = {} }: WorkflowSpec): boolean {
  return Array.isArray(templates) && Array.isArray(given.parameters ?? []) && Array.isArray(given.artifacts ?? []);
}

/** Put entries into a cache; one that is not labelled as a cache belongs to somebody else and is left alone. */
async function saveCache(
  kube: KubeApi,
  key: ObjectKey,
  data: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const present = await kube.get(resources.configMaps, key, signal);
  if (present && present.metadata.labels?.[typeLabel] !== 'Cache') return;
  if (present)
    return void (await kube.patch(
      resources.configMaps,
      key,
      { type: 'merge', body: { data } },
      { fieldManager, signal },
    ));
  const { namespace, name } = key;
  const made = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...(namespace ? { namespace } : {}), labels: { [typeLabel]: 'Cache' } },
    data,
  };
  try {
    await kube.create(resources.configMaps, made, { fieldManager, signal });
  } catch (error) {
    // Another run made it meanwhile.
    if (!isKubeError(error, 'AlreadyExists')) throw error;
    await kube.patch(resources.configMaps, key, { type: 'merge', body: { data } }, { fieldManager, signal });
  }
}
