import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type CelVector, judgeCel } from './expr/cel-player.ts';
import { exprPlayers, type ExprVector, judge, judgeDepends } from './expr/players.ts';
import type { Case, Outcome, Suite } from './suite.ts';

/** Vectors of the expression languages, computed by the implementations that upstream uses. */
export const exprSuite: Suite = {
  name: 'expr',
  folder: 'expr',
  load: async (directory) => {
    const cases: Case[] = [];
    const files = (await readdir(directory)).filter((file) => file.endsWith('.jsonl'));
    for (const file of files.toSorted()) {
      const lines = (await readFile(join(directory, file), 'utf8')).split('\n').filter((line) => line !== '');
      for (const [index, line] of lines.entries()) {
        const vector = JSON.parse(line) as ExprVector;
        const shown = vector.expr ?? vector.template ?? vector.task ?? '';
        cases.push({
          set: basename(file, '.jsonl'),
          id: `${index + 1}: ${shown.slice(0, 120)}`,
          play: async () => play(vector),
        });
      }
    }
    return cases;
  },
};

function play(vector: ExprVector): Outcome {
  if (vector.lang === 'argo-depends') return judgeDepends(vector);
  if (vector.lang === 'cel') return judgeCel(vector as unknown as CelVector);
  const player = exprPlayers[vector.lang];
  return player
    ? judge(vector, player(vector))
    : { result: 'skipped', reason: `the language ${vector.lang} is not built yet` };
}
