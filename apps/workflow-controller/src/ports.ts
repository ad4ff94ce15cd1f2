import type { JsonObject, KubeObject, ObjectKey } from '@sluice/model';
import type { PodManifest } from '@sluice/pod';
import type { Lookup, RepositoryAnswer, SemaphoreLimit, SemaphoreReference, Workflow } from '@sluice/workflow';

/** What the reconciler needs of the world. Creating what exists for the same owner counts as done. */
export type WorkflowPorts = {
  getWorkflow(key: ObjectKey): Promise<Workflow | undefined>;
  /** Pods that belong to the workflow (label and owner). */
  podsOf(workflow: Workflow): Promise<readonly KubeObject[]>;
  lookup(namespace: string): Promise<Lookup>;
  createPod(pod: PodManifest, signal: AbortSignal): Promise<void>;
  deletePod(key: ObjectKey, signal: AbortSignal): Promise<void>;
  createClaim(claim: KubeObject, signal: AbortSignal): Promise<void>;
  deleteClaim(key: ObjectKey, signal: AbortSignal): Promise<void>;
  /** Merge patch of the main resource: a Workflow has no status subresource. */
  patchWorkflow(key: ObjectKey, body: JsonObject, signal: AbortSignal): Promise<Workflow>;
  recordEvent(workflow: Workflow, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** A budget of that name that is there already is left as it is. */
  createBudget(budget: KubeObject, signal: AbortSignal): Promise<void>;
  deleteBudget(key: ObjectKey, signal: AbortSignal): Promise<void>;
  /** Put an entry into a memoization cache. */
  saveCache(key: ObjectKey, entryKey: string, entry: string, signal: AbortSignal): Promise<void>;
  /** How many may hold a semaphore, as its ConfigMap says now. */
  semaphoreLimit(reference: SemaphoreReference, signal: AbortSignal): Promise<SemaphoreLimit>;
  /** The artifact repository that a reference (or nothing) leads to. */
  artifactRepository(namespace: string, reference: JsonObject, signal: AbortSignal): Promise<RepositoryAnswer>;
  /** Have a workflow looked at soon: a lock that it waits for may be free. */
  wake(key: ObjectKey): void;
  deleteWorkflow(workflow: Workflow, signal: AbortSignal): Promise<void>;
  /** Text of a pod spec patch. Throws for text that is no YAML. */
  parseYaml(text: string): unknown;
  now(): number;
  /** How pods hand over their outputs: by nodes that capture them, or by a shell in the pod. */
  outputs(): 'native' | 'wrapper';
};

/** An API refusal that trying again will not mend; the others are thrown as they are. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** It may pass: a quota that others use up. */
  readonly passing: boolean;
  constructor(message: string, passing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.passing = passing;
  }
}
