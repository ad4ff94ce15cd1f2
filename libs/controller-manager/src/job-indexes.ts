import type { Pod } from './workload.ts';

/** Where the completion index of a pod is written. */
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';
/** How often its index had failed when the pod was made, and how often that was ignored. */
export const indexFailuresAnnotation = 'batch.kubernetes.io/job-index-failure-count';

/** True for a job whose completions have numbers. */
export function isIndexed({ spec }: { readonly spec?: { readonly completionMode?: string } }): boolean {
  return spec?.completionMode === 'Indexed';
}

/** The completion index of a pod; -1 for none. */
export function indexOf(pod: Pod): number {
  const index = Number(pod.metadata.annotations?.[indexAnnotation] ?? '-1');
  return Number.isInteger(index) ? index : -1;
}

/** How often the index of a pod had failed before. */
export function earlierFailuresOf(pod: Pod): number {
  const count = Number(pod.metadata.annotations?.[indexFailuresAnnotation] ?? '0');
  return Number.isInteger(count) && count >= 0 ? count : 0;
}

/** `0-2,5`: as the status of an indexed job shows what is done. */
export function formatIndexes(indexes: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** The inverse of {@link formatIndexes}, cut at `end`: nobody can make it long by writing a large number. */
export function parseIndexes(text: string, end = 1_000_000): readonly number[] {
  return text
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [from = NaN, to = from] = range.split('-').map(Number);
      const last = Math.min(to, end - 1);
      return Number.isNaN(from) || last < from ? [] : Array.from({ length: last - from + 1 }, (_, step) => from + step);
    });
}
