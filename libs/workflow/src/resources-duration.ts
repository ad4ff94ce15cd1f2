import type { Pass } from './pass.ts';

/** Seconds by resource, weighted as upstream does. */
export type ResourcesDuration = Readonly<Record<string, number>>;

const maxNesting = 300;

/** Carry what pods have used up to the enclosing nodes. Gives the sum of the whole workflow; the cost follows the change. */
export function updateResources(pass: Pass): ResourcesDuration | undefined {
  let total: ResourcesDuration | undefined = pass.before.resourcesDuration;
  const pods = Array.from(pass.nodes.changed.values()).filter(({ type }) => type === 'Pod');
  for (const node of pods) {
    const used = node.resourcesDuration;
    if (!used || pass.nodes.stored(node.id)?.resourcesDuration) continue;
    total = sum(total, used);
    for (let id = node.boundaryID, depth = 0; id !== undefined && depth < maxNesting; depth++) {
      const outer = pass.nodes.byId(id);
      if (!outer) break;
      pass.nodes.update(id, { resourcesDuration: sum(outer.resourcesDuration, used) });
      id = outer.boundaryID;
    }
  }
  return total;
}

function sum(a: ResourcesDuration | undefined, b: ResourcesDuration): ResourcesDuration {
  const result: Record<string, number> = { ...a };
  for (const [name, seconds] of Object.entries(b)) result[name] = (result[name] ?? 0) + seconds;
  return result;
}
