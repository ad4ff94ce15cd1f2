/** `npm run crash -- apiserver [--rounds 300] [--seed 1]`: kills a program under load and checks what it had promised. */
import { parseArgs } from 'node:util';
import { crashApiServer } from './apiserver.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
if (positionals[0] !== 'apiserver' || !Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run crash -- apiserver [--rounds NUMBER] [--seed NUMBER]');
  process.exit(2);
}

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
process.exitCode = report.problems.length === 0 ? 0 : 1;
