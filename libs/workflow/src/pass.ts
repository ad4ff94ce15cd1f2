import type { SprigHost } from '@sluice/expr';
import type { RepositoryAnswer, RepositoryQuestion } from './repository-question.ts';
import type { Json, JsonObject } from '@sluice/model';
import type { Action, PodObservation } from './action.ts';
import { displayNameOf, nodeIdOf } from './node-name.ts';
import type { NodeTree } from './node-tree.ts';
import type { PassLocks } from './synchronization.ts';
import {
  hasPod,
  isCompleted,
  type NodePhase,
  type NodeStatus,
  type NodeType,
  type Outputs,
  type Template,
  type TemplateCall,
  type TemplateRef,
  type Workflow,
  type WorkflowSpec,
  type WorkflowStatus,
} from './workflow-types.ts';

/** Templates by name, and the scope that names them: `local/<workflow>`, `namespaced/<template>`, `cluster/<template>`. */
export type TemplateContext = {
  readonly scope: string;
  /** Labels and annotations for pods of these templates. */
  readonly podMetadata?: JsonObject | undefined;
  find(name: string): Template | undefined;
};

/** Stored objects that a pass may look up. All are snapshots: the same pass sees the same. */
export type Lookup = {
  workflowTemplate(name: string, clusterScope: boolean): WorkflowSpec | undefined;
  /** A ConfigMap: its label `workflows.argoproj.io/configmap-type`, and whether that says that it holds parameters. */
  configMap(
    name: string,
  ):
    | { readonly data: Readonly<Record<string, string>>; readonly labelled: boolean; readonly type: string | undefined }
    | undefined;
};

/** What {@link Pass.execute} is asked to run. */
export type ExecuteRequest = {
  readonly nodeName: string;
  readonly call: TemplateCall;
  readonly context: TemplateContext;
  readonly boundaryId?: string;
  readonly onExit: boolean;
  readonly hooked?: boolean;
  readonly depth: number;
};

/** Why a template did not run. `held` is back-pressure, not a failure. */
export type Fault = { readonly kind: 'held' | 'deadline' | 'timeout' | 'error' | 'requeue'; readonly message: string };

/** The node of a call, or why there is none. */
export type Executed = { readonly node?: NodeStatus; readonly fault?: Fault };

/** The state of one decision. Only this pass sees it; what it leads to is the returned status and actions. */
export type Pass = {
  readonly workflow: Workflow;
  readonly name: string;
  readonly spec: WorkflowSpec;
  readonly before: WorkflowStatus;
  readonly nodes: NodeTree;
  readonly pods: ReadonlyMap<string, PodObservation>;
  readonly lookup: Lookup;
  readonly now: number;
  readonly actions: Action[];
  /** Time and lots for expressions: the same in every pass over the same state at the same time. */
  readonly host: SprigHost;
  /** Values of `workflow.*`. */
  readonly globals: Map<string, string | null>;
  readonly storedTemplates: Map<string, Template>;
  /** When the workflow must have ended; undefined without a deadline. */
  readonly deadlineAt: number | undefined;
  readonly shutdown: string | undefined;
  readonly local: TemplateContext;
  /** What is odd about the spec, for a condition; empty when nothing is. */
  readonly warnings: string;
  /** An earlier run of the same kind that succeeded: as long this one is expected to take. */
  readonly estimate: Workflow | undefined;
  /** Tell of every node's start and success. */
  readonly nodeEvents: boolean;
  readonly counts: PassCounts;
  readonly locks: PassLocks;
  /** Scheduling constraints of running steps and dag templates, by node id. */
  readonly scheduling: Map<string, JsonObject>;
  /** Limits of templates whose nodes are running, by node id. */
  readonly boundaryLimits: Map<string, { readonly parallelism: number; readonly failFast: boolean }>;
  outputs: Outputs | undefined;
  /** The repository of artifacts; undefined while it is not known, which is remembered. */
  readonly artifactRepository: () => RepositoryAnswer | undefined;
  readonly repository: RepositoryQuestion;
  /** The controller keeps the logs of all steps. */
  readonly archivesLogs: boolean;
  nextLookAt: number | undefined;
  execute(request: ExecuteRequest): Executed;
};

/** Counters that parallelism looks at; kept up to date while the pass makes nodes. */
export type PassCounts = { activePods: number; readonly activeByBoundary: Map<string, number> };

/** RFC 3339 with seconds, as Kubernetes writes times. */
export function formatTime(milliseconds: number): string {
  return new Date(Math.floor(milliseconds / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
}

/** Milliseconds of a stored time; undefined when there is none. */
export function parseTime(text: string | null | undefined): number | undefined {
  if (!text) return undefined;
  const value = Date.parse(text);
  return Number.isNaN(value) ? undefined : value;
}

/** Whole seconds from start to finish; undefined for what has not ended or took no time. */
export function secondsOf(
  part: { readonly startedAt?: string | null; readonly finishedAt?: string | null } | undefined,
): number | undefined {
  const [from, to] = [parseTime(part?.startedAt), parseTime(part?.finishedAt)];
  return from === undefined || to === undefined || to <= from ? undefined : Math.round((to - from) / 1_000);
}

/** The time that the same node took in an earlier run. */
function estimateOf({ estimate, name }: Pass, nodeName: string): { estimatedDuration?: number } {
  if (!estimate) return {};
  const other = estimate.metadata.name;
  const node = estimate.status?.nodes?.[nodeIdOf(other, `${other}${nodeName.slice(name.length)}`)];
  const seconds = secondsOf(node);
  return seconds === undefined ? {} : { estimatedDuration: seconds };
}

/** Ask to be looked at no later than this. */
export function lookAgainAt(pass: Pass, at: number): void {
  if (pass.nextLookAt === undefined || at < pass.nextLookAt) pass.nextLookAt = at;
}

export type NewNode = {
  readonly name: string;
  readonly type: NodeType;
  readonly phase: NodePhase;
  readonly boundaryId: string | undefined;
  readonly scope: string;
  readonly call?: TemplateCall;
  readonly message?: string;
  readonly hooked?: boolean;
  readonly retried?: boolean;
  readonly fields?: Partial<NodeStatus>;
};

/** Make a node. */
export function initializeNode(pass: Pass, made: NewNode): NodeStatus {
  const boundary = made.boundaryId === undefined ? undefined : pass.nodes.byId(made.boundaryId);
  const startedAt = formatTime(pass.now);
  const flag = { ...(made.hooked ? { hooked: true } : {}), ...(made.retried ? { retried: true } : {}) };
  const node: NodeStatus = {
    id: pass.nodes.idOf(made.name),
    name: made.name,
    displayName: displayNameOf(made.name, boundary?.name),
    type: made.type,
    ...templateFields(made.call),
    templateScope: made.scope,
    phase: made.phase,
    ...(made.boundaryId === undefined ? {} : { boundaryID: made.boundaryId }),
    ...(made.message === undefined ? {} : { message: made.message }),
    startedAt,
    finishedAt: isCompleted(made.phase) || made.phase === 'Skipped' || made.phase === 'Omitted' ? startedAt : null,
    ...(made.hooked || made.retried ? { nodeFlag: flag } : {}),
    ...(made.type === 'Pod' ? { progress: '0/1' } : {}),
    ...estimateOf(pass, made.name),
    ...made.fields,
  };
  countActive(pass, node, 1);
  return pass.nodes.set(node);
}

function templateFields(call: TemplateCall | undefined): { templateName?: string; templateRef?: TemplateRef } {
  if (call?.templateRef) return { templateRef: call.templateRef };
  return call?.template ? { templateName: call.template } : {};
}

function isActive(node: NodeStatus): boolean {
  return (node.phase === 'Pending' && !node.synchronizationStatus) || node.phase === 'Running';
}

/** What parallelism of a template counts: groups and retries only hold together what is counted itself. */
const counted: ReadonlySet<NodeType> = new Set(['Pod', 'Steps', 'DAG']);

/** Count a node among the active ones (`by` 1) or take it out (`by` -1). */
export function countActive(pass: Pass, node: NodeStatus, by: 1 | -1): void {
  if (!isActive(node)) return;
  if (hasPod(node)) pass.counts.activePods += by;
  if (node.boundaryID === undefined || !counted.has(node.type)) return;
  const { activeByBoundary } = pass.counts;
  activeByBoundary.set(node.boundaryID, (activeByBoundary.get(node.boundaryID) ?? 0) + by);
}

/** A daemon is one no more: from here on it counts like any other node until it has ended. */
export function endDaemon(pass: Pass, node: NodeStatus): void {
  if (!node.daemoned) return;
  pass.nodes.update(node.id, { daemoned: false });
  countActive(pass, node, 1);
}

/** Set a node's phase; a phase that ends it also sets when. A finished node never changes its phase. */
export function markPhase(pass: Pass, name: string, phase: NodePhase, message?: string): NodeStatus | undefined {
  const before = pass.nodes.byName(name);
  if (!before) return undefined;
  const ended = isCompleted(before.phase);
  if (ended && before.phase !== phase) return before;
  const finishing = !ended && (isCompleted(phase) || phase === 'Skipped' || phase === 'Omitted');
  const after = pass.nodes.update(before.id, {
    phase,
    ...(message === undefined || message === before.message ? {} : { message }),
    ...(finishing ? { finishedAt: formatTime(pass.now) } : {}),
  });
  if (after && after !== before && isActive(before) && !isActive(after)) countActive(pass, before, -1);
  return after;
}

/** Set a node to Error. */
export function markError(pass: Pass, name: string, message: string): NodeStatus | undefined {
  return markPhase(pass, name, 'Error', message);
}

/** A parameter's value as text: strings as they are, everything else as JSON. */
export function valueText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
