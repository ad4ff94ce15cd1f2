import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { playScenario } from './scenario.ts';

const mebibyte = 1 << 20;
/** What may be added from the twentieth minute to the sixtieth: noise. Caches are bounded and full by then. */
const allowedBytes = mebibyte;

/** Heap in use, which leaves out the pretended disk, after a collection, at each ten minutes of an hour of faults. */
export type MemoryResult = { readonly heapBytes: readonly number[]; readonly problems: readonly string[] };

/** Play an hour of simulated time under faults and look at the heap. */
export async function playHour(seed: number): Promise<MemoryResult> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapBytes: number[] = [];
  const onMinute = (minute: number): void => {
    if (minute % 10 !== 0) return;
    collect();
    collect();
    heapBytes.push(process.memoryUsage().heapUsed);
  };
  await playScenario({ seed, faults: true, stormMs: 61 * 60_000, onMinute });
  const [first = 0, last = 0] = [heapBytes[1], heapBytes.at(-1)];
  const grown = last - first;
  const problems = grown > allowedBytes ? [`memory grew by ${(grown / mebibyte).toFixed(1)} MiB in forty minutes`] : [];
  return { heapBytes, problems };
}
