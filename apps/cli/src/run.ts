import { type KubeObject, keys } from '@sluice/model';
import type { ReportedWorkflow } from '@sluice/trigger';

/** A node of a Workflow's status, the fields that are shown. */
export type RunNode = {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly type: string;
  readonly phase?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly templateName?: string;
  readonly children?: readonly string[];
};

/** A Workflow as the commands read it. */
export type Run = KubeObject<
  NonNullable<ReportedWorkflow['spec']>,
  {
    readonly phase?: string;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
    readonly progress?: string;
    readonly nodes?: Readonly<Record<string, RunNode>>;
  }
>;

/** `Pending` while the controller has not looked at it yet. */
export function phaseOf(run: Run): string {
  return run.status?.phase || 'Pending';
}

/** The nodes of a run that have a pod, in order of start: every attempt of every step. */
export function podsOf(run: Run): RunNode[] {
  return Object.values(run.status?.nodes ?? {})
    .filter((node) => node.type === 'Pod')
    .sort((a, b) => compare(a.startedAt ?? '~', b.startedAt ?? '~') || compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Milliseconds from start to finish, or to now while it runs; undefined before the start. */
export function elapsed(
  part: { readonly startedAt?: string; readonly finishedAt?: string },
  now: number,
): number | undefined {
  if (!part.startedAt) return undefined;
  return (part.finishedAt ? Date.parse(part.finishedAt) : now) - Date.parse(part.startedAt);
}

const marks: Readonly<Record<string, readonly [string, string]>> = {
  Succeeded: ['✔', '+'],
  Failed: ['✖', 'x'],
  Error: ['✖', 'x'],
  Running: ['●', '*'],
  Skipped: ['○', '-'],
  Omitted: ['○', '-'],
};

/** A sign one column wide for a phase; plain characters where the terminal has no UTF-8. */
export function mark(phase: string | undefined, ascii: boolean): string {
  const [sign, plain] = marks[phase ?? ''] ?? ['◷', '.'];
  return ascii ? plain : sign;
}

/** The short commit id of a run; empty when it was not started by a commit. */
export function shortSha(run: Run): string {
  return (run.metadata.labels?.[keys.sha] ?? '').slice(0, 7);
}
