/**
 * `npm run crash -- apiserver [--rounds 300] [--seed 1]` kills a program under load and checks what it had promised;
 * `npm run crash -- store [--step 1]` tears the file of a store at every byte of its last commit.
 */
import { parseArgs } from 'node:util';
import { crashApiServer } from './apiserver.ts';
import { tearLastCommit } from './torn-write.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
const step = Number(values.step);
const isUsable = [rounds, step].every((one) => Number.isSafeInteger(one) && one > 0) && Number.isSafeInteger(seed);
if (!['apiserver', 'store'].includes(positionals[0] ?? '') || !isUsable) {
  console.error('usage: npm run crash -- apiserver [--rounds NUMBER] [--seed NUMBER] | store [--step BYTES]');
  process.exit(2);
}

process.exitCode = (positionals[0] === 'store' ? await tear() : await kill()) ? 0 : 1;

async function tear(): Promise<boolean> {
  const { files, complete, problems } = await tearLastCommit({ step });
  for (const problem of problems) console.log(`FAILED ${problem}`);
  console.log(
    `${files} torn files opened: ${complete} with the last commit, ${files - complete - problems.length} without, ` +
      `${problems.length} broken`,
  );
  return problems.length === 0;
}

async function kill(): Promise<boolean> {
  const report = await crashApiServer({
    rounds,
    seed,
    onRound(round, promises, problems) {
      for (const problem of problems) console.log(`FAILED round ${round}: ${problem}`);
      if ((round + 1) % 25 === 0) console.log(`${round + 1} kills; the last after ${promises} promises`);
    },
  });
  console.log(
    `${report.kills} kills, ${report.promises} promises kept or broken: ${report.problems.length} broken; ` +
      `${report.resumedWatches} watches went on, ${report.expiredWatches} were told to list again`,
  );
  return report.problems.length === 0;
}
