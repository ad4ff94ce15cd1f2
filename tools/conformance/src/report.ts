import type { Case, Outcome } from './suite.ts';

/** A case with what came of it. */
export type Played = { readonly set: string; readonly id: string; readonly outcome: Outcome };

const maxShown = 400;

/** Plays the cases, `concurrency` at a time; what came of them is in their order. A case that throws has failed. */
export async function playAll(cases: readonly Case[], concurrency = 1): Promise<readonly Played[]> {
  const out: Played[] = [];
  const queue = cases.entries();
  const worker = async (): Promise<void> => {
    for (const [index, one] of queue) out[index] = await playOne(one);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return out;
}

async function playOne({ set, id, play }: Case): Promise<Played> {
  try {
    return { set, id, outcome: await play() };
  } catch (error) {
    const got = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { set, id, outcome: { result: 'failed', wanted: 'an answer', got } };
  }
}

/** True when nothing failed. */
export function isPassed(played: readonly Played[]): boolean {
  return played.every(({ outcome }) => outcome.result !== 'failed');
}

/** The counts of every set, up to `failures` failures of each with what was wanted and what came, and the total as the last line. */
export function reportLines(played: readonly Played[], failures: number): readonly string[] {
  const lines: string[] = [];
  for (const set of new Set(played.map((one) => one.set))) {
    const own = played.filter((one) => one.set === set);
    lines.push(`${set}: ${counts(own)}`);
    const failed = own.filter(({ outcome }) => outcome.result === 'failed');
    for (const { id, outcome } of failed.slice(0, failures)) {
      if (outcome.result !== 'failed') continue;
      lines.push(`  FAILED ${id}`, `    wanted ${bounded(outcome.wanted)}`, `    got    ${bounded(outcome.got)}`);
    }
    if (failed.length > failures) lines.push(`  and ${failed.length - failures} more`);
  }
  return [...lines, counts(played)];
}

function bounded(text: string): string {
  return text.length > maxShown ? `${text.slice(0, maxShown)} ... (${text.length} characters)` : text;
}

function counts(played: readonly Played[]): string {
  const count = (result: Outcome['result']) => played.filter(({ outcome }) => outcome.result === result).length;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`;
}
