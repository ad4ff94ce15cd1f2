import type { JsonObject } from '@sluice/model';
import type { Action } from './action.ts';
import type { LockChanges } from './locks.ts';
import type { SemaphoreReference } from './synchronization.ts';
import type { WorkflowSpec, WorkflowStatus } from './workflow-types.ts';

/** What to write and what to do. The same status object comes back when nothing changed. */
export type Decision = {
  readonly status: WorkflowStatus;
  /** Ids of the nodes that differ from the stored ones. */
  readonly changedNodes: readonly string[];
  readonly actions: readonly Action[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The spec that is executed, after merging; absent when the workflow was refused. */
  readonly spec?: WorkflowSpec;
  /** When to look again even if nothing happens, in milliseconds since 1970. */
  readonly nextLookAt?: number;
  /** What happened to locks: to be committed before anything else is decided. */
  readonly locks?: LockChanges;
  /** The artifact repository must be known first: look for it and decide again. What it names, or nothing. */
  readonly wantsRepository?: JsonObject;
  /** Limits of semaphores that must be known first: read them and decide again. */
  readonly unknownLimits?: readonly SemaphoreReference[];
};
