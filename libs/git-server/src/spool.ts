import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** One ref that a push moved. All zeros stand for "was not there" and "is gone". */
export type RefUpdate = { readonly ref: string; readonly before: string; readonly after: string };

/** A ref update as the hook saw it, with the push that made it. */
export type SpooledUpdate = RefUpdate & { readonly pusher: string };

export type SpoolFile = { readonly path: string; readonly updates: readonly SpooledUpdate[] };

/** The object id that stands for nothing. */
export const zeroId = '0'.repeat(40);

const longestSpoolFile = 8 * 1024 * 1024;
const line = /^([0-9a-f]{40}) ([0-9a-f]{40}) (refs\/.+)$/;

/** Read what the post-receive hook left, oldest first. The pusher's name is part of the file name. */
export async function readSpool(directory: string): Promise<SpoolFile[]> {
  const found: { path: string; pusher: string; at: number }[] = [];
  for (const name of await readdir(directory)) {
    const parts = /^(?<pusher>[A-Za-z0-9._-]+)~[^~]+\.push$/.exec(name);
    if (!parts?.groups) continue;
    const path = join(directory, name);
    const { mtimeMs, size } = await stat(path);
    if (size <= longestSpoolFile) found.push({ path, pusher: parts.groups['pusher'] ?? 'unknown', at: mtimeMs });
  }
  found.sort((a, b) => a.at - b.at || (a.path < b.path ? -1 : 1));
  const files: SpoolFile[] = [];
  for (const { path, pusher } of found) {
    files.push({ path, updates: parseSpool(await readFile(path, 'utf8'), pusher) });
  }
  return files;
}

/** Name of the spool file of a push, without its ending. */
export function spoolName(pusher: string, pushId: string): string {
  return `${pusher}~${pushId}`;
}

/** Remove files whose updates have been announced. */
export async function removeSpool(files: readonly SpoolFile[]): Promise<void> {
  for (const { path } of files) await rm(path, { force: true });
}

function parseSpool(text: string, pusher: string): SpooledUpdate[] {
  const updates: SpooledUpdate[] = [];
  for (const row of text.split('\n')) {
    const match = line.exec(row);
    const [, before, after, ref] = match ?? [];
    if (before && after && ref) updates.push({ ref, before, after, pusher });
  }
  return updates;
}

/**
 * Put updates of one drain in the order in which they happened and drop those that `known` already counts. Several
 * pushes may end at once, so files do not tell the order; but the updates of a ref are the steps of a walk over commits
 * that begins where the ref was. A step that starts elsewhere (because a spool file was lost) is kept: better announced
 * twice than never.
 */
export function chainUpdates(known: ReadonlyMap<string, string>, updates: readonly SpooledUpdate[]): SpooledUpdate[] {
  const byRef = Map.groupBy(updates, ({ ref }) => ref);
  return [...byRef].flatMap(([ref, steps]) => chainRef(known.get(ref) ?? zeroId, steps));
}

function chainRef(start: string, steps: readonly SpooledUpdate[]): SpooledUpdate[] {
  const waiting = new Map<string, SpooledUpdate[]>();
  for (const step of steps) waiting.set(step.before, [...(waiting.get(step.before) ?? []), step]);
  const walks = [walkFrom(start, waiting)];
  for (const step of steps) if (waiting.get(step.before)?.includes(step)) walks.push(walkFrom(step.before, waiting));
  const chained: SpooledUpdate[] = [];
  let head = start;
  for (const step of walks.flat()) {
    if (step.before !== head && step.after === head) continue;
    chained.push(step);
    head = step.after;
  }
  return chained;
}

/** Takes every step that can be reached, so that each begins where the one before ended if that is possible at all. */
function walkFrom(start: string, waiting: ReadonlyMap<string, SpooledUpdate[]>): SpooledUpdate[] {
  const path: { readonly at: string; readonly step: SpooledUpdate | undefined }[] = [{ at: start, step: undefined }];
  const backwards: SpooledUpdate[] = [];
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const next = waiting.get(top.at)?.shift();
    if (next) {
      path.push({ at: next.after, step: next });
      continue;
    }
    path.pop();
    if (top.step) backwards.push(top.step);
  }
  return backwards.reverse();
}
