import { Closers } from '@sluice/runtime';
import { CommanderError } from 'commander';
import { explainFailure } from './connect.ts';
import { exitCodes } from './exit-code.ts';
import { processIo } from './io.ts';
import { buildProgram } from './program.ts';

const stop = new AbortController();
let interrupts = 0;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (++interrupts > 1) process.exit(exitCodes.interrupted);
    stop.abort();
  });
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

const closers = new Closers();
const io = processIo(stop.signal, (close) => closers.add(close));
const program = buildProgram(io, (code) => {
  process.exitCode = code;
});

try {
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  else if (stop.signal.aborted) process.exitCode = exitCodes.interrupted;
  else {
    const { exitCode, message } = explainFailure(error);
    io.err(`error: ${message}`);
    if (io.env['SLUICE_DEBUG'] && error instanceof Error) io.err(error.stack ?? '');
    process.exitCode = exitCode;
  }
} finally {
  await closers.close();
}
