import type { ObjectMeta } from '@sluice/model';

/** The parts of an Argo Workflow that reports read. */
export type ReportedWorkflow = {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly entrypoint?: string;
    readonly shutdown?: string;
    readonly templates?: readonly {
      readonly name?: string;
      readonly dag?: { readonly tasks?: readonly { readonly name: string }[] };
    }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly message?: string;
    readonly startedAt?: string | null;
    readonly finishedAt?: string | null;
    readonly nodes?: Readonly<Record<string, ReportedNode>>;
    readonly outputs?: { readonly parameters?: readonly { readonly name: string; readonly value?: string }[] };
  };
};

export type ReportedNode = {
  readonly id: string;
  readonly name: string;
  readonly displayName?: string;
  readonly type: string;
  readonly templateName?: string;
  readonly phase?: string;
  readonly message?: string;
  readonly startedAt?: string | null;
  readonly finishedAt?: string | null;
  readonly children?: readonly string[];
};

/** A step as a person knows it: all attempts of one task together. */
export type StepView = {
  readonly name: string;
  readonly phase: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Attempts so far; 0 before the first. */
  readonly attempts: number;
  /** Id of the node whose pod ran last, where there is one. */
  readonly nodeId?: string;
};

const groupTypes = new Set(['DAG', 'Steps', 'StepGroup', 'TaskGroup']);

/** The steps of a workflow: in the order of the entrypoint's tasks, those that have not begun as Waiting, others after them. */
export function stepsOf(workflow: ReportedWorkflow): readonly StepView[] {
  const nodes = Object.values(workflow.status?.nodes ?? {});
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const attempts = new Set(nodes.filter(({ type }) => type === 'Retry').flatMap(({ children = [] }) => children));
  const views = nodes
    .filter(({ id, type }) => !groupTypes.has(type) && !attempts.has(id))
    .map((node) => viewOf(node, byId))
    .sort((a, b) => (a.startedAt ?? '~').localeCompare(b.startedAt ?? '~') || a.name.localeCompare(b.name));
  const order = tasksOf(workflow);
  const first = new Map<string, StepView>();
  for (const view of views) if (!first.has(view.name)) first.set(view.name, view);
  const planned = order.map((name) => first.get(name) ?? { name, phase: 'Waiting', attempts: 0 });
  return [...planned, ...views.filter((view) => !planned.includes(view))];
}

function tasksOf({ spec }: ReportedWorkflow): readonly string[] {
  const entry = spec?.templates?.find(({ name }) => name === spec.entrypoint);
  return (entry?.dag?.tasks ?? []).map(({ name }) => name);
}

function viewOf(node: ReportedNode, byId: ReadonlyMap<string, ReportedNode>): StepView {
  const tries = node.type === 'Retry' ? (node.children ?? []).flatMap((id) => byId.get(id) ?? []) : [];
  const pods =
    node.type === 'Retry' ? tries.filter(({ type }) => type === 'Pod') : [node].filter(({ type }) => type === 'Pod');
  const last = pods.at(-1);
  const message = node.message ?? last?.message;
  return {
    name: node.displayName ?? node.name,
    phase: node.phase ?? 'Pending',
    attempts: pods.length,
    ...(message ? { message } : {}),
    ...(node.startedAt ? { startedAt: node.startedAt } : {}),
    ...(node.finishedAt ? { finishedAt: node.finishedAt } : {}),
    ...(last ? { nodeId: last.id } : {}),
  };
}

/** Whether the workflow will change no more. */
export function isFinished(workflow: ReportedWorkflow): boolean {
  return ['Succeeded', 'Failed', 'Error'].includes(workflow.status?.phase ?? '');
}

/** The step to blame for a failure: the one that failed first. Undefined when the run failed as a whole. */
export function failingStep(workflow: ReportedWorkflow): StepView | undefined {
  const failed = stepsOf(workflow).filter(({ phase }) => phase === 'Failed' || phase === 'Error');
  return failed.sort((a, b) => (a.finishedAt ?? '~').localeCompare(b.finishedAt ?? '~'))[0];
}
