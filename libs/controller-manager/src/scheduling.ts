import type { KubeObject } from '@sluice/model';
import { parseQuantity } from './quantity.ts';
import type { Pod } from './workload.ts';

export type Node = KubeObject<
  {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  },
  {
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  }
>;

/** A node for the pod, or why there is none, in the words that kubectl shows. */
export type Placement =
  | { readonly node: string }
  | { readonly node?: undefined; readonly reason: 'Unschedulable' | 'SchedulingGated'; readonly message: string };

type Term = { readonly key?: string; readonly operator?: string; readonly values?: readonly string[] };
type SelectorTerm = { readonly matchExpressions?: readonly Term[]; readonly matchFields?: readonly Term[] };
type Toleration = {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
};

/** Choose a node. Pure; the first node by name that fits. */
export function decidePlacement(pod: Pod, nodes: readonly Node[]): Placement {
  const gates = (pod.spec?.['schedulingGates'] ?? []) as readonly unknown[];
  if (gates.length > 0)
    return { reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' };
  const faults = new Map<string, number>();
  for (const node of nodes.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    const fault = faultOf(pod, node);
    if (fault === undefined) return { node: node.metadata.name };
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }
  const list = [...faults].map(([fault, count]) => `${count} ${fault}`).join(', ');
  return {
    reason: 'Unschedulable',
    message: `0/${nodes.length} nodes are available: ${list || 'no node has joined yet'}.`,
  };
}

function faultOf(pod: Pod, node: Node): string | undefined {
  if (node.spec?.unschedulable) return 'node(s) were unschedulable';
  const labels = node.metadata.labels ?? {};
  const wanted = Object.entries(pod.spec?.nodeSelector ?? {});
  const selected = wanted.every(([key, value]) => labels[key] === value) && matchesAffinity(pod, node);
  if (!selected) return "node(s) didn't match Pod's node affinity/selector";
  const taint = (node.spec?.taints ?? []).find(({ effect }) => effect !== 'PreferNoSchedule');
  const tolerations = (pod.spec?.['tolerations'] ?? []) as readonly Toleration[];
  if (taint && !tolerations.some((toleration) => tolerates(toleration, taint))) {
    return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  }
  return shortageOf(pod, node);
}

function tolerates(toleration: Toleration, taint: { key: string; value?: string; effect: string }): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.operator === 'Exists') return !toleration.key || toleration.key === taint.key;
  return toleration.key === taint.key && (toleration.value ?? '') === (taint.value ?? '');
}

/** A resource of which the pod asks for more than the whole node has. */
function shortageOf(pod: Pod, node: Node): string | undefined {
  const { allocatable } = node.status ?? {};
  if (!allocatable) return undefined;
  const total = new Map<string, number>();
  for (const { resources } of pod.spec?.containers ?? []) {
    for (const [name, amount] of Object.entries(resources?.requests ?? {})) {
      total.set(name, (total.get(name) ?? 0) + parseQuantity(String(amount)));
    }
  }
  for (const [name, amount] of total) {
    if (amount > parseQuantity(allocatable[name] ?? '0')) return `Insufficient ${name}`;
  }
  return undefined;
}

function matchesAffinity(pod: Pod, node: Node): boolean {
  type Affinity = {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms?: readonly SelectorTerm[];
      };
    };
  };
  const affinity = pod.spec?.['affinity'] as Affinity | undefined;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!terms) return true;
  return terms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false;
    const fields = { 'metadata.name': node.metadata.name };
    return (
      matchExpressions.every((term) => matchesTerm(term, node.metadata.labels ?? {})) &&
      matchFields.every((term) => matchesTerm(term, fields))
    );
  });
}

function matchesTerm({ key = '', operator, values = [] }: Term, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator ?? '') {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
