import type { Pass } from './pass.ts';
import { attemptsOf } from './retry.ts';
import { type ContinueOn, isCompleted, isFulfilled, type NodePhase, type NodeStatus } from './workflow-types.ts';

/** A target of a dag, and which failures of it are tolerated. */
export type DagEnd = { readonly id: string; readonly continueOn?: ContinueOn | undefined };

/**
 * The phase of a dag from the phases of its branches. A node that was omitted or skipped takes over the phase of its
 * branch; a completed descendant overrides it, so a failure that every dependent chose to tolerate does not count.
 */
export function assessDag(pass: Pass, dag: NodeStatus, ends: readonly DagEnd[], failFast: boolean): NodePhase {
  const targets = new Map<string, NodePhase | undefined>(ends.map(({ id }) => [id, undefined]));
  const seen = new Set<string>();
  const queue: { readonly node: NodeStatus; readonly branch: NodePhase }[] = [];
  const push = (parents: readonly NodeStatus[], branch: NodePhase): void => {
    for (const node of parents) {
      const key = `${node.id}/${branch}`;
      if (!seen.has(key)) queue.push({ node, branch });
      seen.add(key);
    }
  };
  push(pass.nodes.childrenOf(dag), 'Succeeded');
  for (const { node, branch } of queue) {
    if (!isFulfilled(node)) return 'Running';
    const phase = isCompleted(node.phase) && node.phase ? node.phase : branch;
    if (targets.has(node.id) && !failed(targets.get(node.id))) targets.set(node.id, phase);
    push(followers(pass, node), phase);
  }
  return summarize(
    ends.map(({ id, continueOn }) => tolerated(pass, id, targets.get(id), continueOn)),
    failFast,
  );
}

/** A failure of the target itself that its task tolerates counts as success; one of its branch does not. */
function tolerated(
  pass: Pass,
  id: string,
  phase: NodePhase | undefined,
  continueOn: ContinueOn | undefined,
): NodePhase | undefined {
  const own = pass.nodes.byId(id)?.phase;
  if (own !== phase) return phase;
  return (phase === 'Failed' && continueOn?.failed) || (phase === 'Error' && continueOn?.error) ? 'Succeeded' : phase;
}

/** Where a branch goes on: after the last attempt of a Retry node, after the items of a group. */
function followers(pass: Pass, node: NodeStatus): readonly NodeStatus[] {
  const children = pass.nodes.childrenOf(node);
  if (node.type !== 'Retry') return children;
  const attempts = new Set(attemptsOf(pass, node).map(({ id }) => id));
  const last = attemptsOf(pass, node).at(-1);
  const others = children.filter(({ id }) => !attempts.has(id));
  return last ? [...pass.nodes.childrenOf(last), ...others] : others;
}

function failed(phase: NodePhase | undefined): boolean {
  return phase === 'Failed' || phase === 'Error';
}

function summarize(phases: readonly (NodePhase | undefined)[], failFast: boolean): NodePhase {
  let result: NodePhase = 'Succeeded';
  for (const phase of phases) {
    if (phase === undefined) {
      result = 'Running';
      if (!failFast) break;
    } else if (failed(phase)) {
      result = phase;
      if (failFast) break;
    }
  }
  return result;
}
