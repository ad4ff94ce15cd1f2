import type { Json, JsonObject } from '@sluice/model';
import { nodeIdOf } from './node-name.ts';
import { matchesSelector, type NodeSelector, type OperationResult } from './operations.ts';
import { formatTime } from './pass.ts';
import { rerunNodes } from './rerun-nodes.ts';
import {
  hasFailed,
  isFinished,
  type NodeStatus,
  type Parameter,
  type Workflow,
  type WorkflowSpec,
  type WorkflowStatus,
} from './workflow-types.ts';

/** How often a run was retried by hand. Pods carry the number they were made under: those of before do not count. */
export const retriesAnnotation = 'sluice.dev/retries';

const phaseLabel = 'workflows.argoproj.io/phase';
const completedLabel = 'workflows.argoproj.io/completed';
const resubmittedFromLabel = 'workflows.argoproj.io/resubmitted-from-workflow';
const managedLabels = new Set([phaseLabel, completedLabel, 'workflows.argoproj.io/workflow-archiving-status']);

/** What a retry or resubmission changes. */
export type RerunOptions = {
  /** Values for parameters of the workflow. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Run nodes again that succeeded, if the selector names them. */
  readonly restartSuccessful?: boolean;
  readonly nodeFieldSelector?: NodeSelector;
};

/** Which retry of a run this is; 0 for a run that was never retried. */
export function retryNumberOf(workflow: Workflow): number {
  const value = Number(workflow.metadata.annotations?.[retriesAnnotation] ?? 0);
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** Let a finished run go on from where it failed, as a merge patch of the Workflow. */
export function retryWorkflow(workflow: Workflow, options: RerunOptions, now: number): OperationResult {
  const { status = {}, spec = {}, metadata } = workflow;
  const problem = retryProblem(status, options);
  if (problem !== undefined) return { ok: false, message: problem };
  const before = status.nodes ?? {};
  const { nodes, removed } = rerunNodes(metadata.name, before, restarted(options));
  if (status.phase === 'Succeeded' && removed.length === 0)
    return { ok: false, message: `no node matches '${options.nodeFieldSelector}'` };
  const changed = Object.values(nodes).filter((node) => node !== before[node.id]);
  const conditions = (status.conditions ?? []).filter(({ type }) => type !== 'Completed');
  const given = withParameters(spec, status, options.parameters);
  return {
    ok: true,
    patch: {
      metadata: {
        labels: { [phaseLabel]: 'Running', [completedLabel]: 'false' },
        annotations: { [retriesAnnotation]: String(retryNumberOf(workflow) + 1) },
      },
      spec: { ...given.spec, shutdown: null, ...(spec.suspend === undefined ? {} : { suspend: null }) },
      status: {
        ...given.status,
        phase: 'Running',
        message: null,
        startedAt: formatTime(now),
        finishedAt: null,
        conditions: conditions as unknown as Json,
        nodes: Object.fromEntries([
          ...removed.map((id) => [id, null] as const),
          ...changed.map((node) => [node.id, replacing(before[node.id], node)] as const),
        ]),
      },
    },
  };
}

function retryProblem({ phase }: WorkflowStatus, options: RerunOptions): string | undefined {
  if (!isFinished(phase)) return 'the workflow must have ended to be retried';
  if (options.nodeFieldSelector && !options.restartSuccessful)
    return 'a node field selector needs restartSuccessful: nodes that failed run again anyway';
  if (phase === 'Succeeded' && !(options.restartSuccessful && options.nodeFieldSelector))
    return 'the workflow succeeded: to run parts of it again, ask for restartSuccessful and name nodes with a node field selector';
  return undefined;
}

function restarted({ restartSuccessful, nodeFieldSelector }: RerunOptions): (node: NodeStatus) => boolean {
  if (!restartSuccessful || !nodeFieldSelector) return () => false;
  return (node) => matchesSelector(node, nodeFieldSelector);
}

/** A node as it is to be, with null for fields that it must lose: a merge patch keeps what it does not name. */
function replacing(before: NodeStatus | undefined, node: NodeStatus): JsonObject {
  const gone = Object.keys(before ?? {}).filter((field) => !(field in node));
  return { ...(node as unknown as JsonObject), ...Object.fromEntries(gone.map((field) => [field, null])) };
}

function withParameters(
  spec: WorkflowSpec,
  status: WorkflowStatus,
  values: RerunOptions['parameters'],
): { readonly spec: JsonObject; readonly status: JsonObject } {
  if (!values || Object.keys(values).length === 0) return { spec: {}, status: {} };
  const stored = status.storedWorkflowTemplateSpec?.arguments?.parameters;
  return {
    spec: { arguments: { parameters: overridden(spec.arguments?.parameters ?? [], values) as unknown as Json } },
    status: stored
      ? { storedWorkflowTemplateSpec: { arguments: { parameters: overridden(stored, values) as unknown as Json } } }
      : {},
  };
}

function overridden(given: readonly Parameter[], values: Readonly<Record<string, string>>): readonly Parameter[] {
  const known = new Set(given.map(({ name }) => name));
  const kept = given.map((parameter): Parameter => {
    const value = values[parameter.name];
    if (value === undefined) return parameter;
    const { valueFrom: _from, ...rest } = parameter;
    return { ...rest, value };
  });
  const added = Object.entries(values).filter(([name]) => !known.has(name));
  return [...kept, ...added.map(([name, value]): Parameter => ({ name, value }))];
}

/** A new Workflow made from an old one, or why there is none. */
export type Resubmission =
  { readonly ok: true; readonly workflow: Workflow } | { readonly ok: false; readonly message: string };

/**
 * A new run of an old one, under a new name. With `memoized` it starts with what the old one had done: only a run that failed can be
 * continued so.
 */
export function resubmitWorkflow(
  old: Workflow,
  newName: string,
  options: Pick<RerunOptions, 'parameters'> & { readonly memoized?: boolean },
  now: number,
): Resubmission {
  const { metadata, spec = {}, status = {} } = old;
  if (options.memoized && status.phase !== 'Failed' && status.phase !== 'Error')
    return { ok: false, message: 'only a workflow that failed can be resubmitted memoized' };
  const labels = Object.entries(metadata.labels ?? {}).filter(([key]) => !managedLabels.has(key));
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => key !== retriesAnnotation);
  const { shutdown: _shutdown, suspend: _suspend, ...kept } = spec;
  const parameters = overridden(spec.arguments?.parameters ?? [], options.parameters ?? {});
  return {
    ok: true,
    workflow: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: {
        name: newName,
        ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
        labels: { ...Object.fromEntries(labels), [resubmittedFromLabel]: metadata.name },
        ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
      },
      spec: {
        ...kept,
        ...(spec.arguments || parameters.length > 0 ? { arguments: { ...spec.arguments, parameters } } : {}),
      },
      ...(options.memoized ? { status: continued(old, newName, now) } : {}),
    },
  };
}

/** The status of a new run that goes on from an old one: its nodes under the new name. */
function continued({ metadata, status = {} }: Workflow, newName: string, now: number): WorkflowStatus {
  const { nodes } = rerunNodes(metadata.name, status.nodes ?? {}, () => false);
  const rename = (name: string): string =>
    name.startsWith(metadata.name) ? `${newName}${name.slice(metadata.name.length)}` : name;
  const ids = new Map(Object.values(nodes).map((node) => [node.id, nodeIdOf(newName, rename(node.name))]));
  const all = (list: readonly string[]): readonly string[] => list.flatMap((id) => ids.get(id) ?? []);
  const renamed = Object.values(nodes).map((node): NodeStatus => {
    const id = ids.get(node.id) ?? node.id;
    const boundaryID = node.boundaryID === undefined ? undefined : ids.get(node.boundaryID);
    const { podIP: _ip, daemoned: _daemon, ...rest } = node;
    return {
      ...rest,
      id,
      name: rename(node.name),
      displayName: node.boundaryID === undefined ? rename(node.displayName) : node.displayName,
      ...(boundaryID === undefined ? {} : { boundaryID }),
      ...(node.children ? { children: all(node.children) } : {}),
      ...(node.outboundNodes ? { outboundNodes: all(node.outboundNodes) } : {}),
      ...(node.templateScope
        ? { templateScope: node.templateScope.replace(`local/${metadata.name}`, `local/${newName}`) }
        : {}),
      ...(node.type === 'Pod' && !hasFailed(node) ? { message: `original pod: ${node.id}` } : {}),
    };
  });
  return {
    phase: 'Running',
    startedAt: formatTime(now),
    finishedAt: null,
    nodes: Object.fromEntries(renamed.map((node) => [node.id, node])),
    ...(status.outputs ? { outputs: status.outputs } : {}),
    ...(status.storedTemplates ? { storedTemplates: status.storedTemplates } : {}),
    ...(status.storedWorkflowTemplateSpec ? { storedWorkflowTemplateSpec: status.storedWorkflowTemplateSpec } : {}),
    conditions: [],
  };
}
