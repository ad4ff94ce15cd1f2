import { readFile, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { readJunit } from '../reports/junit.ts';
import { type Remark, toCommand } from '../reports/remark.ts';
import { readSarif } from '../reports/sarif.ts';

const maxBytes = 16 * 1_024 * 1_024;
const maxRemarks = 1_000;

/**
 * `sluice annotate FILE…`: what JUnit and SARIF reports found, as lines that the check of a run shows at their places. For
 * the script of a step: `npm test || { sluice annotate report.xml; exit 1; }`.
 */
export async function annotateCommand(files: readonly string[], io: Io): Promise<ExitCode> {
  const remarks: Remark[] = [];
  for (const file of files) remarks.push(...(await readReport(file, io)));
  for (const remark of remarks.slice(0, maxRemarks)) io.out(toCommand(inside(remark, io.cwd)));
  io.err(`${remarks.length} ${remarks.length === 1 ? 'finding' : 'findings'} in ${files.join(', ')}`);
  return exitCodes.ok;
}

async function readReport(file: string, io: Io): Promise<readonly Remark[]> {
  const path = resolve(io.cwd, file);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw new CommandError(exitCodes.notFound, `${file}: there is no such file`);
  if (found.size > maxBytes) throw new CommandError(exitCodes.failed, `${file}: is larger than ${maxBytes} bytes`);
  const text = await readFile(path, 'utf8');
  if (/^\s*\uFEFF?\s*</.test(text)) return readJunit(text);
  try {
    return readSarif(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(exitCodes.failed, `${file}: is neither JUnit XML nor SARIF: ${error.message}`);
  }
}

/** Absolute names below the working directory, which is the root of the repository, become those of the repository. */
function inside(remark: Remark, cwd: string): Remark {
  return remark.file?.startsWith('/') ? { ...remark, file: relative(cwd, remark.file) } : remark;
}
