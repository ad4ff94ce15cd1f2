/** `npm run conformance -- SUITE [--dir DIR] [--only GLOB] [--json FILE]`: plays a suite of the corpus and counts. */
import { writeFile } from 'node:fs/promises';
import { join, matchesGlob, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isPassed, playAll, reportLines, type Played } from './report.ts';
import type { Case, Suite } from './suite.ts';

/** One entry a suite; loaded only when it is asked for. */
const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  clients: async () => (await import('./clients-suite.ts')).clientsSuite,
  cron: async () => (await import('./cron-suite.ts')).cronSuite,
  expr: async () => (await import('./expr-suite.ts')).exprSuite,
  k8s: async () => (await import('./k8s-suite.ts')).k8sSuite,
  manifests: async () => (await import('./manifests-suite.ts')).manifestsSuite,
  scenarios: async () => (await import('./scenarios-suite.ts')).scenariosSuite,
  validation: async () => (await import('./validation-suite.ts')).validationSuite,
};

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      dir: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
      failures: { type: 'string', default: '10' },
    },
  });
  const load = suites[positionals[0] ?? ''];
  if (!load) {
    console.error(
      `usage: npm run conformance -- ${Object.keys(suites).join('|')} [--dir DIR] [--only GLOB] [--json FILE] [--failures N]`,
    );
    return 2;
  }
  const suite = await load();
  const directory = values.dir
    ? resolve(values.dir)
    : join(import.meta.dirname, '../../../../shared/corpus', suite.folder);
  const cases = await suite.load(directory);
  const { only } = values;
  const chosen = only
    ? cases.filter(({ id, set }) => matchesName(`${set}/${id}`, only) || matchesName(set, only))
    : cases;
  if (chosen.length === 0) {
    await suite.close?.();
    console.error(`no cases in ${directory}${only ? ` match ${only}` : ''}`);
    return 2;
  }
  const played = await playAndClose(suite, chosen);
  for (const line of reportLines(played, Number(values.failures))) console.log(line);
  if (values.json) await writeFile(values.json, JSON.stringify(played, null, 1));
  return isPassed(played) ? 0 : 1;
}

async function playAndClose(suite: Suite, chosen: readonly Case[]): Promise<readonly Played[]> {
  try {
    return await playAll(chosen, suite.concurrency);
  } finally {
    await suite.close?.();
  }
}

/** Globs where `*` also crosses slashes, as case names are full of them. */
function matchesName(name: string, glob: string): boolean {
  return name === glob || matchesGlob(name.replaceAll('/', '|'), glob.replaceAll('/', '|'));
}

process.exitCode = await main(process.argv.slice(2));
