import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DemoSummary, loadServers } from '@sluice/local';
import { createLog } from '@sluice/runtime';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatObject, formatTable, parseFormat } from '../output.ts';
import { explainingStart, localConfig, untilAborted } from './up.ts';

export type DemoCommandOptions = {
  readonly exit?: boolean;
  readonly output?: string;
  readonly runtime?: string;
  readonly keep?: boolean;
};

const anyPorts = { api: 0, forge: 0, registry: 0, receiver: 0 };

/** `sluice demo`: play the story of a push on an embedded cluster of its own. */
export async function demoCommand(options: DemoCommandOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const isJson = format === 'json' || format === 'yaml';
  const directory = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
  const { chooseView, startLocal, runDemo } = await loadServers();
  const log = createLog({ level: 'info', destination: join(directory, 'sluice.log') });
  let isKept = options.keep === true;
  try {
    const config = localConfig(
      options.runtime === undefined ? {} : { runtime: options.runtime },
      join(directory, 'data'),
      io,
      anyPorts,
    );
    const local = await explainingStart(() => startLocal(config, { log, now: io.now }));
    if (!isJson)
      io.err(
        `embedded cluster ready after ${local.readyMs} ms; pods run as ${local.context.runtime} (${local.runtimeReason})`,
      );
    const view = chooseView({
      isTerminal: process.stderr.isTTY === true && io.env['TERM'] !== 'dumb',
      write: (text) => void process.stderr.write(text),
      colour: io.colour,
      columns: () => process.stderr.columns || 120,
      now: io.now,
    });
    const summary = await runDemo(local, view, {
      sample: sampleDirectory(),
      workDirectory: join(directory, 'work'),
      signal: io.signal,
      now: io.now,
    });
    if (isJson) io.out(formatObject(format, summary));
    else if (!io.signal.aborted) showSummary(io, summary);
    if (io.signal.aborted) io.err('interrupted');
    else if (!summary.ok) {
      isKept = true;
      io.err(`the demo failed: ${summary.error}\nlogs and data are in ${directory}`);
    } else if (!options.exit) {
      const { context, binDirectory } = local;
      io.err(`\nstill up: export KUBECONFIG=${context.kubeconfig} PATH=${binDirectory}:$PATH`);
      io.err(
        `forge ${context.forgeUrl}  registry ${context.registryUrl}  API ${context.apiUrl}\nCtrl-C stops it and removes its data`,
      );
      await untilAborted(io.signal);
    }
    await local.close();
    if (summary.ok) return exitCodes.ok;
    return io.signal.aborted ? exitCodes.interrupted : exitCodes.failed;
  } finally {
    if (!isKept) rmSync(directory, { recursive: true, force: true });
  }
}

function showSummary(io: Io, summary: DemoSummary): void {
  const runs = summary.runs.map((run) => [
    run.sha.slice(0, 7),
    run.pipeline,
    run.phase,
    run.steps.map((step) => step.name).join(' '),
    run.checks.map((check) => `${check.name}: ${check.conclusion ?? check.status}`).join(', '),
  ]);
  io.out('');
  for (const line of formatTable(['COMMIT', 'PIPELINE', 'PHASE', 'STEPS', 'CHECKS'], runs)) io.out(line);
  const releases = summary.releases.map((release) => [
    release.name,
    String(release.revision),
    release.status,
    release.chartDigest.slice(0, 19),
    release.imageDigest.slice(0, 19),
  ]);
  io.out('');
  for (const line of formatTable(['RELEASE', 'REVISION', 'STATUS', 'CHART', 'IMAGE'], releases)) io.out(line);
  const { readyMs, pushToFirstStepMs, pushToReleasedMs, totalMs } = summary.timings;
  io.out('');
  io.out(
    `ready ${readyMs} ms, push to first step ${pushToFirstStepMs ?? '-'} ms, push to released ${pushToReleasedMs ?? '-'} ms, all ${totalMs ?? '-'} ms`,
  );
}

/** The sample repository: beside this package in a checkout. */
function sampleDirectory(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const found = [join(here, '../../../../examples/hello'), join(here, '../../examples/hello')].find((path) =>
    existsSync(path),
  );
  if (!found)
    throw new CommandError(exitCodes.failed, 'the sample repository examples/hello is not part of this installation');
  return found;
}
