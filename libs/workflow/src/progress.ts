import { ownProgress, parseProgress } from './node-progress.ts';
import type { Pass } from './pass.ts';

const maxNesting = 300;

/** Carry what changed inside them up to the enclosing nodes: the cost follows the change, not the workflow. */
export function updateProgress(pass: Pass): void {
  const deltas = new Map<string, [number, number]>();
  for (const node of pass.nodes.changed.values()) {
    const now = ownProgress(node);
    if (!now) continue;
    const stored = pass.nodes.stored(node.id);
    const before = (stored && ownProgress(stored)) ?? [0, 0];
    const done = now[0] - before[0];
    const all = now[1] - before[1];
    if (done === 0 && all === 0) continue;
    for (let id = node.boundaryID, depth = 0; id !== undefined && depth < maxNesting; depth++) {
      const sum = deltas.get(id) ?? [0, 0];
      deltas.set(id, [sum[0] + done, sum[1] + all]);
      id = pass.nodes.byId(id)?.boundaryID;
    }
  }
  for (const [id, [done, all]] of deltas) {
    const before = pass.nodes.byId(id)?.progress;
    const [doneBefore, allBefore] = before === undefined ? [0, 0] : parseProgress(before);
    pass.nodes.update(id, { progress: `${doneBefore + done}/${allBefore + all}` });
  }
}

/** The progress of the whole workflow. */
export function progressOf(pass: Pass): string {
  return pass.nodes.progress.join('/');
}
