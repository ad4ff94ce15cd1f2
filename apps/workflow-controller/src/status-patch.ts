import type { Json, JsonObject } from '@sluice/model';
import type { Decision, Workflow, WorkflowStatus } from '@sluice/workflow';

/**
 * The merge patch from what is stored to what was decided: only fields and nodes that differ, so that its size follows the change and
 * not the workflow. Undefined when nothing differs.
 */
export function buildStatusPatch(
  workflow: Workflow,
  decision: Pick<Decision, 'status' | 'labels' | 'annotations'>,
  changedNodes: Iterable<string>,
): JsonObject | undefined {
  const before: WorkflowStatus = workflow.status ?? {};
  const { nodes, ...fields } = decision.status;
  const status: Record<string, Json> = {};
  const names = new Set([...Object.keys(fields), ...Object.keys(before)]) as Set<keyof typeof fields | 'nodes'>;
  names.delete('nodes');
  for (const name of names) {
    if (name === 'nodes') continue;
    const value = fields[name];
    if (!sameJson(before[name], value)) status[name] = differenceOf(before[name], value === '' ? null : value);
  }
  const changed = [...changedNodes].filter((id) => nodes?.[id] && !sameJson(before.nodes?.[id], nodes[id]));
  if (changed.length > 0)
    status['nodes'] = Object.fromEntries(changed.map((id) => [id, differenceOf(before.nodes?.[id], nodes?.[id])]));
  const labels = Object.entries(decision.labels).filter(([key, value]) => workflow.metadata.labels?.[key] !== value);
  const annotations = Object.entries(decision.annotations ?? {}).filter(
    ([key, value]) => workflow.metadata.annotations?.[key] !== value,
  );
  const metadata = {
    ...(labels.length > 0 ? { labels: Object.fromEntries(labels) } : {}),
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
  };
  if (Object.keys(status).length === 0 && Object.keys(metadata).length === 0) return undefined;
  return {
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(Object.keys(status).length > 0 ? { status } : {}),
  };
}

/** The merge patch between two values: of objects only the fields that differ, null for those that are gone. */
export function differenceOf(before: unknown, after: unknown): Json {
  if (after === undefined || after === null) return null;
  if (!isRecord(before) || !isRecord(after)) return after as Json;
  const patch: Record<string, Json> = {};
  for (const name of Object.keys(before)) if (after[name] === undefined) patch[name] = null;
  for (const [name, value] of Object.entries(after))
    if (value !== undefined && JSON.stringify(before[name]) !== JSON.stringify(value))
      patch[name] = differenceOf(before[name], value);
  return patch;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isBlank(a) && isBlank(b)) return true;
  return JSON.stringify(a) === JSON.stringify(b);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
