/** `npm run bench -- SUITE [--seconds 5]`: measures a part of Sluice beside the floor. */
import { parseArgs } from 'node:util';

type Settings = { readonly seconds: number; readonly report: (line: string) => void };

/** One entry a suite; loaded only when it is asked for. */
const suites: Readonly<Record<string, (settings: Settings) => Promise<void>>> = {
  apiserver: async (settings) =>
    (await import('./apiserver.ts')).benchApiServer({ ...settings, pods: 10_000, watchers: 200 }),
  releases: async (settings) => (await import('./releases.ts')).benchReleases({ ...settings, count: 100 }),
  B6: async (settings) => (await import('./releases.ts')).benchSweep({ ...settings, count: 5_000 }),
  runtime: async ({ report }) => (await import('./runtime.ts')).benchRuntime({ pods: 10_000, rounds: 15, report }),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '5' } },
});
const [name = ''] = positionals;
const suite = Object.hasOwn(suites, name) ? suites[name] : undefined;
const seconds = Number(values.seconds);
if (!suite || !(seconds > 0 && seconds <= 600)) {
  console.error(`usage: npm run bench -- ${Object.keys(suites).join('|')} [--seconds NUMBER]`);
  process.exit(2);
}
await suite({ seconds, report: (line) => console.log(line) });
