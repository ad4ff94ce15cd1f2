import { isFulfilled, type NodeStatus } from './workflow-types.ts';

/** Parts done and parts in all. */
export type Progress = readonly [number, number];

/** `3/5` as numbers; `0/1` when there is none. */
export function parseProgress(text: string | undefined): Progress {
  const slash = text?.indexOf('/') ?? -1;
  if (text === undefined || slash < 0) return [0, 1];
  return [Number(text.slice(0, slash)) || 0, Number(text.slice(slash + 1)) || 0];
}

/** What a node adds by itself: pods report, a suspension is one thing to do. */
export function ownProgress(node: NodeStatus): Progress | undefined {
  if (node.type === 'Pod') return parseProgress(node.progress);
  return node.type === 'Suspend' ? [isFulfilled(node) ? 1 : 0, 1] : undefined;
}
