import type { ArtifactLocation, DoomedArtifact, JsonObject } from '@sluice/model';
import { hasKeys, isComplete, keyOfLocation, locationOf, withKey } from './artifact-location.ts';
import { isFinished, type Artifact, type Workflow, type WorkflowSpec, type WorkflowStatus } from './workflow-types.ts';

/** The finalizer of workflows whose artifacts are to be deleted with them. */
export const artifactGcFinalizer = 'workflows.argoproj.io/artifact-gc';

/** When an artifact goes. */
type Strategy = 'OnWorkflowCompletion' | 'OnWorkflowDeletion';

/** How far the deletion of artifacts has come, as the status keeps it. */
type GcStatus = {
  readonly strategiesProcessed?: Readonly<Record<string, boolean>>;
  readonly podsRecouped?: Readonly<Record<string, boolean>>;
};

/** A pod that deletes artifacts, as far as a decision needs it. */
export type GcPod = {
  readonly name: string;
  readonly finished: boolean;
  /** `node id/artifact` of what it has deleted. */
  readonly deleted: readonly string[];
  readonly error?: string;
};

/** What to do next about the artifacts of a workflow that has ended or is being deleted. */
export type GcStep =
  | { readonly kind: 'none' }
  /** Nothing is left to be deleted: let the workflow go. */
  | { readonly kind: 'release' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'create'; readonly strategy: Strategy; readonly artifacts: readonly DoomedArtifact[] }
  /** Write what came of a pod, then remove the pod. */
  | { readonly kind: 'record'; readonly status: JsonObject; readonly pod?: string };

const maxBatch = 100;

/** True when some artifact of these templates may have to be deleted. */
export function usesArtifactGc(spec: WorkflowSpec, status: WorkflowStatus): boolean {
  if (wants((spec['artifactGC'] as JsonObject | undefined)?.['strategy'])) return true;
  const templates = [...(spec.templates ?? []), ...Object.values(status.storedTemplates ?? {})];
  return templates.some(({ outputs }) => (outputs?.artifacts ?? []).some((artifact) => wants(ownStrategy(artifact))));
}

function wants(strategy: unknown): boolean {
  return strategy === 'OnWorkflowCompletion' || strategy === 'OnWorkflowDeletion';
}

function ownStrategy(artifact: Artifact): unknown {
  return (artifact['artifactGC'] as JsonObject | undefined)?.['strategy'];
}

/** Decide the next step. Pure; every step may be done twice. */
export function decideArtifactGc(workflow: Workflow, pods: readonly GcPod[]): GcStep {
  const deleting = workflow.metadata.deletionTimestamp !== undefined;
  const finalized = workflow.metadata.finalizers?.includes(artifactGcFinalizer) === true;
  if (!finalized) return { kind: 'none' };
  const status = statusOf(workflow);
  const finished = pods.find((pod) => pod.finished && status.podsRecouped?.[pod.name] !== true);
  if (finished) return { kind: 'record', status: recouped(workflow, finished), pod: finished.name };
  if (pods.some((pod) => !pod.finished)) return { kind: 'wait' };
  const strategies: readonly Strategy[] = [
    ...(deleting || isFinished(workflow.status?.phase) ? (['OnWorkflowCompletion'] as const) : []),
    ...(deleting ? (['OnWorkflowDeletion'] as const) : []),
  ];
  for (const strategy of strategies) {
    if (status.strategiesProcessed?.[strategy] === true) continue;
    const doomed = doomedBy(workflow, strategy);
    if (doomed.length === 0) return { kind: 'record', status: processed(status, strategy) };
    return { kind: 'create', strategy, artifacts: doomed.slice(0, maxBatch) };
  }
  return deleting && mayGo(workflow) ? { kind: 'release' } : { kind: 'none' };
}

function statusOf({ status }: Workflow): GcStatus {
  return (status?.artifactGCStatus ?? {}) as GcStatus;
}

function processed(status: GcStatus, strategy: string): JsonObject {
  return { artifactGCStatus: { ...status, strategiesProcessed: { ...status.strategiesProcessed, [strategy]: true } } };
}

/** All is deleted, or the user would rather lose track of the rest than wait. */
function mayGo(workflow: Workflow): boolean {
  if (settingsOf(workflow)['forceFinalizerRemoval'] === true) return true;
  return doomedBy(workflow, 'OnWorkflowCompletion').length + doomedBy(workflow, 'OnWorkflowDeletion').length === 0;
}

function settingsOf({ spec = {}, status = {} }: Workflow): JsonObject {
  return ((spec['artifactGC'] ?? status.storedWorkflowTemplateSpec?.['artifactGC']) as JsonObject | undefined) ?? {};
}

/** Artifacts that go by a strategy and are still there. */
function doomedBy(workflow: Workflow, strategy: Strategy): readonly DoomedArtifact[] {
  const general = settingsOf(workflow)['strategy'];
  const found: DoomedArtifact[] = [];
  for (const [id, node] of Object.entries(workflow.status?.nodes ?? {})) {
    // Steps, dags and retried nodes only repeat what their pods made.
    if (node.type !== 'Pod') continue;
    for (const artifact of node.outputs?.artifacts ?? []) {
      if ((ownStrategy(artifact) || general) !== strategy || artifact['deleted'] === true) continue;
      const location = placeOf(workflow, artifact);
      if (location) found.push({ node: id, name: artifact.name, location });
    }
  }
  return found;
}

/** The full location of an artifact that can be deleted. */
function placeOf({ status }: Workflow, artifact: Artifact): ArtifactLocation | undefined {
  const location = locationOf(artifact);
  if (!location || !hasKeys(location)) return undefined;
  if (isComplete(location)) return location;
  const repository = status?.artifactRepositoryRef?.['artifactRepository'] as JsonObject | undefined;
  const store = repository && locationOf(repository);
  return store && withKey(store, keyOfLocation(location) ?? '');
}

/** What the status becomes once a pod has ended: its artifacts are gone, or a condition says why not. */
function recouped(workflow: Workflow, pod: GcPod): JsonObject {
  const { status = {} } = workflow;
  const gone = new Set(pod.deleted);
  const nodes: Record<string, JsonObject> = {};
  for (const [id, node] of Object.entries(status.nodes ?? {})) {
    const artifacts = node.outputs?.artifacts ?? [];
    if (!artifacts.some(({ name }) => gone.has(`${id}/${name}`))) continue;
    const marked = artifacts.map((one) => (gone.has(`${id}/${one.name}`) ? { ...one, deleted: true } : one));
    nodes[id] = { outputs: { artifacts: marked } };
  }
  const before = statusOf(workflow);
  const error = pod.error ?? (gone.size === 0 ? 'the pod that deletes artifacts has failed' : undefined);
  const done: readonly Strategy[] = error === undefined ? [] : ['OnWorkflowCompletion', 'OnWorkflowDeletion'];
  const open = done.filter((strategy) => strategy === 'OnWorkflowCompletion' || workflow.metadata.deletionTimestamp);
  const strategiesProcessed = {
    ...before.strategiesProcessed,
    ...Object.fromEntries(open.map((strategy) => [strategy, true])),
  };
  const conditions = (status.conditions ?? []).filter(({ type }) => type !== 'ArtifactGCError');
  const told = error === undefined ? [] : [{ type: 'ArtifactGCError', status: 'True', message: error.slice(0, 1_024) }];
  return {
    artifactGCStatus: { strategiesProcessed, podsRecouped: { ...before.podsRecouped, [pod.name]: true } },
    ...(Object.keys(nodes).length > 0 ? { nodes } : {}),
    ...(told.length > 0 ? { conditions: [...conditions, ...told] as unknown as JsonObject[] } : {}),
  };
}
