import { Child } from './child.ts';
import { compare, median, shownRatio } from './statistics.ts';

export type StartOptions = { readonly pods: number; readonly rounds: number; readonly report: (line: string) => void };

/** Milliseconds: of the work itself, of CPU for it, and since the process began. */
type Took = { readonly ms: number; readonly cpuMs: number; readonly sinceStartMs: number };

const roles = ['floor', 'sluice', 'import of sluice', 'import of client-node'] as const;

/** Start of a process until its first reconcile, beside one that only lists; and what importing takes. */
export async function benchStartUp({ pods, rounds, report }: StartOptions): Promise<void> {
  const server = new Child('./list-server.ts', [String(pods)]);
  const took = new Map<string, Took[]>(roles.map((role) => [role, []]));
  try {
    const { url } = await server.next<{ url: string }>();
    for (let round = 0; round < rounds; round++) {
      for (const role of round % 2 ? roles : [...roles].reverse()) {
        const child = new Child('./start-process.ts', [role, url]);
        took.get(role)?.push(await child.next<Took>());
        await child.close();
      }
    }
  } finally {
    await server.close();
  }
  const of = (role: (typeof roles)[number], key: keyof Took): number[] => (took.get(role) ?? []).map((one) => one[key]);
  const both = (role: (typeof roles)[number]): string =>
    `${Math.min(...of(role, 'sinceStartMs')).toFixed(0)} ms at best, ${median(of(role, 'sinceStartMs')).toFixed(0)} ms in the middle`;
  report(`start of a process to its first reconcile, ${pods} pods, ${rounds} rounds`);
  report(`  sluice ${both('sluice')}; a process that only lists and parses ${both('floor')}`);
  report(`    over the floor: ${shownRatio(compare(of('sluice', 'sinceStartMs'), of('floor', 'sinceStartMs')))}`);
  for (const role of ['import of sluice', 'import of client-node'] as const) {
    const [best, middle, cpu] = [Math.min(...of(role, 'ms')), median(of(role, 'ms')), median(of(role, 'cpuMs'))];
    report(
      `${role}: ${best.toFixed(0)} ms at best, ${middle.toFixed(0)} ms in the middle, ${cpu.toFixed(0)} ms of CPU`,
    );
  }
}
