/** `npm run bench -- SUITE... [--seconds 5]`: measures parts of Sluice beside the floor. */
import { parseArgs } from 'node:util';

type Settings = { readonly seconds: number; readonly report: (line: string) => void };

/** One entry a suite; loaded only when it is asked for. */
const suites: Readonly<Record<string, (settings: Settings) => Promise<void>>> = {
  apiserver: async (settings) =>
    (await import('./apiserver.ts')).benchApiServer({ ...settings, pods: 10_000, watchers: 200 }),
  B2: async ({ report }) => (await import('./workflows.ts')).benchSequential(report),
  B3: async ({ report }) => (await import('./workflows.ts')).benchFanOut(report),
  B9: async ({ report }) => (await import('./workflows.ts')).benchGrowth(report),
  runtime: async ({ report }) => (await import('./runtime.ts')).benchRuntime({ pods: 10_000, rounds: 15, report }),
  releases: async (settings) => (await import('./releases.ts')).benchReleases({ ...settings, count: 100 }),
  B6: async (settings) => (await import('./releases.ts')).benchSweep({ ...settings, count: 5_000 }),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '5' } },
});
const wanted = positionals.map((name) => (Object.hasOwn(suites, name) ? suites[name] : undefined));
const seconds = Number(values.seconds);
if (wanted.length === 0 || wanted.includes(undefined) || !(seconds > 0 && seconds <= 600)) {
  console.error(`usage: npm run bench -- ${Object.keys(suites).join('|')}... [--seconds NUMBER]`);
  process.exit(2);
}
for (const suite of wanted) await suite?.({ seconds, report: (line) => console.log(line) });
