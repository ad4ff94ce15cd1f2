/** `npm run new-operator -- NAME [options]`: the same as `sluice operator new`, in the directory that npm was called from. */
import { buildProgram, explainFailure, processIo } from '@sluice/cli';
import { CommanderError } from 'commander';

const io = processIo(new AbortController().signal, () => undefined);
const program = buildProgram({ ...io, cwd: process.env['INIT_CWD'] ?? io.cwd }, (code) => {
  process.exitCode = code;
});
try {
  await program.parseAsync(['operator', 'new', ...process.argv.slice(2)], { from: 'user' });
} catch (error) {
  const { exitCode, message } = explainFailure(error);
  if (!(error instanceof CommanderError)) io.err(`error: ${message}`);
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : exitCode;
}
