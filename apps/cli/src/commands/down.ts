import { setTimeout as delay } from 'node:timers/promises';
import { defaultDirectory, processUsing } from '@sluice/local';
import { type ClusterOptions, requireContext } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';

/** `sluice down`: stop the embedded cluster of the data directory and wait until it has gone. */
export async function downCommand(options: ClusterOptions, io: Io): Promise<ExitCode> {
  requireContext(io, options);
  const directory = options.data ?? defaultDirectory(io.env);
  const pid = processUsing(directory);
  if (pid === undefined) {
    io.err('the embedded cluster is not running');
    return exitCodes.ok;
  }
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 30_000 && processUsing(directory) === pid; waited += 100)
    await delay(100, undefined, { signal: io.signal });
  if (processUsing(directory) === pid)
    throw new CommandError(
      exitCodes.timeout,
      `process ${pid} has not stopped within 30 s; look at its log, or kill -9 ${pid} (nothing that was acknowledged is lost)`,
    );
  io.err('stopped');
  return exitCodes.ok;
}
