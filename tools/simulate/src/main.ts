/** `npm run simulate -- [--seeds 1000] [--from 1]`: random workflows against random faults; exit 1 when an invariant broke. */
import { parseArgs } from 'node:util';
import { playSeed } from '@sluice/workflow/testing';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } },
});
const [seeds, from] = [Number(values.seeds), Number(values.from)];
if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(from)) {
  console.error('usage: npm run simulate -- [--seeds NUMBER] [--from SEED]');
  process.exit(2);
}
const startedAt = performance.now();
const ends = new Map<string, number>();
let [events, nodes, failed] = [0, 0, 0];
for (let seed = from; seed < from + seeds; seed++) {
  const run = playSeed(seed);
  events += run.events;
  nodes += run.nodes;
  ends.set(run.phase, (ends.get(run.phase) ?? 0) + 1);
  if (run.problems.length === 0) continue;
  failed++;
  console.log(`seed ${seed} broke; play it again with: npm run simulate -- --seeds 1 --from ${seed}`);
  for (const problem of run.problems) console.log(`  ${problem}`);
}
const minutes = (performance.now() - startedAt) / 60_000;
const phases = [...ends].map(([phase, count]) => `${count} ${phase || 'not ended'}`).join(', ');
console.log(`${events} events, ${nodes} nodes; ended: ${phases}; ${Math.round(seeds / minutes)} seeds a minute`);
console.log(`${seeds - failed} seeds held, ${failed} broke`);
process.exitCode = failed > 0 ? 1 : 0;
