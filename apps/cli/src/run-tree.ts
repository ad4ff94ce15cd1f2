import type { NodeStatus, Workflow } from '@sluice/workflow';
import { podNameOf } from '@sluice/workflow';
import { formatTable, formatDuration } from './output.ts';
import { elapsed, mark } from './run.ts';

type TreeRow = { readonly lead: string; readonly node: NodeStatus };

const maxDepth = 200;
/** Nodes that only hold others together: what they hold stands in their place. */
const invisible = new Set(['StepGroup']);

/** A workflow's nodes as lines: each below what encloses it, with its template, pod, duration and message. */
export function treeLines(workflow: Workflow, now: number, ascii: boolean): readonly string[] {
  const nodes = workflow.status?.nodes ?? {};
  const inside = childrenByBoundary(workflow);
  const root = nodes[workflow.metadata.name];
  const rows: TreeRow[] = [];
  if (root) addRows(rows, inside, root, { lead: ' ', below: ' ', ascii, depth: 0 });
  const handler = Object.values(nodes).find(({ name }) => name === `${workflow.metadata.name}.onExit`);
  if (handler) addRows(rows, inside, handler, { lead: ' ', below: ' ', ascii, depth: 0 });
  const cells = rows.map(({ lead, node }) => [
    `${lead}${mark(node.phase, ascii)} ${node.displayName}`,
    node.templateRef ? `${node.templateRef.name}/${node.templateRef.template}` : (node.templateName ?? ''),
    node.type === 'Pod' ? podOfNode(workflow, node) : '',
    durationOf(node, now),
    oneLine(node.message ?? ''),
  ]);
  return formatTable(['STEP', 'TEMPLATE', 'PODNAME', 'DURATION', 'MESSAGE'], cells);
}

/** The pod of a node. */
export function podOfNode({ metadata }: Workflow, node: NodeStatus): string {
  return podNameOf(metadata.name, node.name, node.templateRef?.template ?? node.templateName ?? '');
}

function durationOf(node: NodeStatus, now: number): string {
  if (!node.startedAt || node.type === 'Skipped') return '';
  const { startedAt, finishedAt } = node;
  return formatDuration(elapsed({ startedAt, ...(finishedAt ? { finishedAt } : {}) }, now) ?? 0);
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

/** By enclosing node the nodes in it: attempts belong to their Retry node, items to their group. */
function childrenByBoundary({ metadata, status = {} }: Workflow): ReadonlyMap<string, readonly NodeStatus[]> {
  const nodes = status.nodes ?? {};
  const holder = new Map<string, string>();
  for (const node of Object.values(nodes)) {
    if (node.type !== 'Retry' && node.type !== 'TaskGroup' && node.type !== 'StepGroup') continue;
    for (const child of node.children ?? [])
      if (nodes[child]?.boundaryID === node.boundaryID && isHeld(node, nodes[child])) holder.set(child, node.id);
  }
  const found = new Map<string, NodeStatus[]>();
  for (const node of Object.values(nodes)) {
    if (node.id === metadata.name) continue;
    const at = holder.get(node.id) ?? node.boundaryID;
    if (at === undefined) continue;
    found.set(at, [...(found.get(at) ?? []), node]);
  }
  return found;
}

function isHeld(group: NodeStatus, child: NodeStatus | undefined): boolean {
  if (!child) return false;
  return group.type === 'StepGroup' ? child.name.startsWith(`${group.name}.`) : child.name.startsWith(`${group.name}(`);
}

type Place = { readonly lead: string; readonly below: string; readonly ascii: boolean; readonly depth: number };

function addRows(
  rows: TreeRow[],
  inside: ReadonlyMap<string, readonly NodeStatus[]>,
  node: NodeStatus,
  { lead, below, ascii, depth }: Place,
): void {
  rows.push({ lead, node });
  if (depth >= maxDepth) return;
  const children = visible(inside, node, 0);
  const [tee, end, bar] = ascii ? ['|- ', '`- ', '|  '] : ['├─', '└─', '│ '];
  for (const [index, child] of children.entries()) {
    const isLast = index === children.length - 1;
    addRows(rows, inside, child, {
      lead: `${below}${isLast ? end : tee}`,
      below: `${below}${isLast ? ' '.repeat(bar.length) : bar}`,
      ascii,
      depth: depth + 1,
    });
  }
}

/** What stands below a node, groups of steps opened up, in the order in which it began. */
function visible(
  inside: ReadonlyMap<string, readonly NodeStatus[]>,
  node: NodeStatus,
  depth: number,
): readonly NodeStatus[] {
  const children = (inside.get(node.id) ?? []).toSorted(
    (a, b) => compare(a.startedAt ?? '~', b.startedAt ?? '~') || compareNames(a.name, b.name),
  );
  if (depth >= maxDepth) return children;
  return children.flatMap((child) => (invisible.has(child.type) ? visible(inside, child, depth + 1) : [child]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const natural = new Intl.Collator('en', { numeric: true });

function compareNames(a: string, b: string): number {
  return natural.compare(a, b);
}

/** What is to be known of a workflow, above its tree. */
export function headLines(workflow: Workflow, now: number): readonly string[] {
  const { metadata, spec = {}, status = {} } = workflow;
  const parameters = spec.arguments?.parameters ?? [];
  const lines: (readonly [string, string | undefined])[] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['ServiceAccount', spec.serviceAccountName],
    ['Status', status.phase || 'Pending'],
    ['Message', status.message || undefined],
    ...(status.conditions ?? []).filter(({ message }) => message).map(({ type, message }) => [type, message] as const),
    ['Created', metadata.creationTimestamp],
    ['Started', status.startedAt ?? undefined],
    ['Finished', status.finishedAt ?? undefined],
    ['Duration', status.startedAt ? formatDuration(elapsed(timesOf(status), now) ?? 0) : undefined],
    ['EstimatedDuration', status.estimatedDuration ? formatDuration(status.estimatedDuration * 1_000) : undefined],
    ['Progress', status.progress],
    ['ResourcesDuration', resourcesText(status.resourcesDuration)],
    ...parameters.map(({ name, value }) => [`Parameter ${name}`, oneLine(textOf(value))] as const),
    ...(status.outputs?.parameters ?? []).map(({ name, value }) => [`Output ${name}`, oneLine(textOf(value))] as const),
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [`${`${name}:`.padEnd(21)}${value}`]));
}

function timesOf({ startedAt, finishedAt }: NonNullable<Workflow['status']>): {
  startedAt?: string;
  finishedAt?: string;
} {
  return { ...(startedAt ? { startedAt } : {}), ...(finishedAt ? { finishedAt } : {}) };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function resourcesText(used: Readonly<Record<string, number>> | undefined): string | undefined {
  if (!used) return undefined;
  const unit = (name: string): string =>
    name === 'memory' ? '*(100Mi memory)' : name === 'cpu' ? '*(1 cpu)' : `*(${name})`;
  return Object.entries(used)
    .toSorted(([a], [b]) => compare(a, b))
    .map(([name, seconds]) => `${formatDuration(seconds * 1_000)}${unit(name)}`)
    .join(', ');
}
