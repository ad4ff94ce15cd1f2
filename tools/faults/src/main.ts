/**
 * `npm run test:faults`: plays controllers against the embedded API server behind a faulty network.
 * `npm run test:faults -- --seeds 200 --from 1`: more seeds. A seed that fails in simulated time does so every time.
 */
import { parseArgs } from 'node:util';
import { checksOf } from './checks.ts';
import { playHour } from './memory.ts';
import { playScenario } from './scenario.ts';
import { playSockets } from './socket/socket-scenario.ts';

const usage =
  'usage: npm run test:faults -- [--seeds NUMBER] [--from NUMBER] [--minutes NUMBER] [--parts simulated,memory,sockets,self]';
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '40' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
    parts: { type: 'string', default: 'self,simulated,memory,sockets' },
  },
});
const [seeds, from, minutes] = [values.seeds, values.from, values.minutes].map(Number) as [number, number, number];
const wanted = new Set(values.parts.split(','));
let passed = 0;
let failed = 0;

const parts: Readonly<Record<string, () => Promise<void>>> = { self, simulated, memory, sockets };
const known = [...wanted].every((part) => Object.hasOwn(parts, part));
if (!known || ![seeds, from, minutes].every((number) => Number.isSafeInteger(number) && number > 0)) {
  console.error(usage);
  process.exit(2);
}
for (const [name, play] of Object.entries(parts)) if (wanted.has(name)) await play();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function report(name: string, problems: readonly string[]): void {
  if (problems.length === 0) passed++;
  else failed++;
  if (problems.length > 0) console.log(`FAILED ${name}`);
  for (const problem of problems) console.log(`       ${problem}`);
}

/** The suite itself: it notices processes that write without being elected. */
async function self(): Promise<void> {
  const { offences } = await playScenario({ seed: from, faults: true, stormMs: 120_000, withoutElection: true });
  report('the suite notices two owners', offences.length > 0 ? [] : ['two owners wrote and nothing was said']);
}

async function simulated(): Promise<void> {
  let worst = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const options = { seed, stormMs: minutes * 60_000 };
    const calm = await playScenario({ ...options, faults: false });
    const stormy = await playScenario({ ...options, faults: true });
    for (const check of checksOf(calm, stormy)) report(`seed ${seed}: ${check.name}`, check.problems);
    worst = Math.max(worst, stormy.requests / calm.requests);
    const faults = [...stormy.faults.values()].reduce((sum, count) => sum + count, 0);
    const counts = `${stormy.changes} changes, ${faults} faults, ${stormy.transitions} changes of leader`;
    console.log(`seed ${seed}: ${counts}, ${stormy.requests} requests for ${calm.requests}; ${stormy.trace}`);
  }
  console.log(`at worst ${worst.toFixed(2)} times the requests of a run without faults`);
}

async function memory(): Promise<void> {
  const hour = await playHour(from);
  report('memory stays flat over an hour', hour.problems);
  const sizes = hour.heapBytes.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(', ');
  console.log(`memory at every tenth minute of an hour of faults: ${sizes} MiB`);
}

async function sockets(): Promise<void> {
  const { problems, writes, transitions, pauses, faults } = await playSockets({ seed: from, stormMs: minutes * 1_000 });
  report('over sockets, with processes that are stopped', problems);
  const count = [...faults.values()].reduce((sum, each) => sum + each, 0);
  console.log(
    `over sockets: ${writes} writes, ${count} faults, ${pauses} processes stopped, ${transitions} changes of leader`,
  );
}
