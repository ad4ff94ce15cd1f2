import { fillDefaults } from './suspend.ts';
import { formatTime, valueText } from './pass.ts';
import { isFulfilled, type NodeStatus, type Parameter, type Workflow } from './workflow-types.ts';
import type { JsonObject } from '@sluice/model';

/** What somebody asks of a running workflow, as a merge patch of the Workflow; or why it cannot be done. */
export type OperationResult =
  { readonly ok: true; readonly patch: JsonObject } | { readonly ok: false; readonly message: string };

/** Selects nodes: `displayName=approve`, `name!=x`, `inputs.parameters.tag.value=v`, joined with commas. */
export type NodeSelector = string;

/** Resume a workflow: lift its suspension, or end the suspend nodes that the selector names. */
export function resumeWorkflow(
  workflow: Workflow,
  selector: NodeSelector | undefined,
  now: number,
  message?: string,
): OperationResult {
  const nodes: Record<string, JsonObject> = {};
  for (const node of suspendedNodes(workflow, selector)) {
    const filled = fillDefaults(node.outputs);
    if (filled.missing)
      return {
        ok: false,
        message: `node ${node.name}: output parameter '${filled.missing}' has not been set and has no default; set it first`,
      };
    nodes[node.id] = {
      phase: 'Succeeded',
      finishedAt: formatTime(now),
      ...(message ? { message } : {}),
      ...(filled.outputs ? { outputs: filled.outputs as unknown as JsonObject } : {}),
    };
  }
  if (selector && Object.keys(nodes).length === 0)
    return { ok: false, message: `no suspended node matches '${selector}'` };
  const lift = !selector && workflow.spec?.suspend === true;
  return {
    ok: true,
    patch: {
      ...(lift ? { spec: { suspend: null } } : {}),
      ...(Object.keys(nodes).length > 0 ? { status: { nodes } } : {}),
    },
  };
}

/** Stop a workflow (its exit handler still runs), or fail the suspend nodes that the selector names. */
export function stopWorkflow(
  workflow: Workflow,
  selector: NodeSelector | undefined,
  now: number,
  message?: string,
): OperationResult {
  if (!selector) return { ok: true, patch: { spec: { shutdown: 'Stop' } } };
  const found = suspendedNodes(workflow, selector);
  if (found.length === 0) return { ok: false, message: `no suspended node matches '${selector}'` };
  const end = { phase: 'Failed', finishedAt: formatTime(now), ...(message ? { message } : {}) };
  return { ok: true, patch: { status: { nodes: Object.fromEntries(found.map(({ id }) => [id, end])) } } };
}

/** Terminate a workflow: everything ends now, no exit handler runs. */
export function terminateWorkflow(): OperationResult {
  return { ok: true, patch: { spec: { shutdown: 'Terminate' } } };
}

/** Supply outputs of the suspend nodes that the selector names. */
export function supplyOutputs(
  workflow: Workflow,
  selector: NodeSelector,
  values: Readonly<Record<string, string>>,
): OperationResult {
  const nodes: Record<string, JsonObject> = {};
  for (const node of suspendedNodes(workflow, selector)) {
    const known = new Set((node.outputs?.parameters ?? []).map(({ name }) => name));
    const unknown = Object.keys(values).find((name) => !known.has(name));
    if (unknown !== undefined)
      return { ok: false, message: `node ${node.name} expects no output parameter '${unknown}'` };
    const parameters = (node.outputs?.parameters ?? []).map((parameter): Parameter => {
      const value = values[parameter.name];
      return value === undefined ? parameter : { ...parameter, value };
    });
    nodes[node.id] = { outputs: { ...node.outputs, parameters } as unknown as JsonObject };
  }
  if (Object.keys(nodes).length === 0) return { ok: false, message: `no suspended node matches '${selector}'` };
  return { ok: true, patch: { status: { nodes } } };
}

function suspendedNodes(workflow: Workflow, selector: NodeSelector | undefined): readonly NodeStatus[] {
  const waiting = Object.values(workflow.status?.nodes ?? {}).filter(
    (node) => node.type === 'Suspend' && !isFulfilled(node),
  );
  return waiting.filter((node) => !selector || matchesSelector(node, selector));
}

/** True when a node has the fields that a selector asks for. */
export function matchesSelector(node: NodeStatus, selector: NodeSelector): boolean {
  return selector.split(',').every((term) => {
    const [, field = '', operator = '=', value = ''] = /^\s*([^=!]+?)\s*(==|!=|=)\s*(.*?)\s*$/.exec(term) ?? [];
    return fieldValues(node, field).includes(value) === (operator !== '!=');
  });
}

function fieldValues(node: NodeStatus, field: string): readonly string[] {
  const input = /^inputs\.parameters\.(.+)\.value$/.exec(field)?.[1];
  if (input)
    return (node.inputs?.parameters ?? [])
      .filter(({ name }) => name === input)
      .map(({ value }) => valueText(value ?? ''));
  const plain: Readonly<Record<string, string | undefined>> = {
    displayName: node.displayName,
    name: node.name,
    id: node.id,
    phase: node.phase,
    templateName: node.templateName,
    'templateRef.name': node.templateRef?.name,
    'templateRef.template': node.templateRef?.template,
  };
  const value = plain[field];
  return value === undefined ? [] : [value];
}
