import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { benchListAndWatch } from './runtime/list-and-watch.ts';
import { benchQueue } from './runtime/queue.ts';
import { benchStartUp } from './runtime/start-up.ts';

export type RuntimeBenchOptions = {
  readonly pods: number;
  readonly rounds: number;
  readonly report: (line: string) => void;
};

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The controller runtime beside the floor and beside client-node: caches, queue, start. */
export async function benchRuntime({ pods, rounds, report }: RuntimeBenchOptions): Promise<void> {
  // What is measured is what users run: built code.
  execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b', `${root}libs/kube`], {
    stdio: 'inherit',
  });
  const load = (): string =>
    `load of the machine: ${loadavg()
      .map((value) => value.toFixed(1))
      .join(', ')}`;
  report(load());
  await benchListAndWatch({ pods, rounds, report });
  await benchQueue({ rounds, report });
  await benchStartUp({ pods, rounds, report });
  report(load());
}
