import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { formatProblems } from '@sluice/model';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { packToolkit } from '../operator/pack-toolkit.ts';
import { manifest, projectFiles, withoutSources } from '../operator/project-files.ts';
import { parseProjectNames } from '../operator/project-names.ts';
import { findCheckout, linkedPackages, readmeAfterVendoring, vendoredPackages } from '../operator/project-packages.ts';

export type OperatorNewOptions = {
  readonly directory?: string;
  readonly group?: string;
  readonly kind?: string;
  /** False: leave `npm install` to the user. */
  readonly install?: boolean;
};

/** `sluice operator new NAME`: a working operator in a directory of its own. Writes all of it or nothing. */
export async function operatorNewCommand(name: string, options: OperatorNewOptions, io: Io): Promise<ExitCode> {
  const names = parseProjectNames(name, options);
  if (!names.ok) throw new CommandError(exitCodes.usage, formatProblems(names.problems));
  const target = resolve(io.cwd, options.directory ?? name);
  await refuseTarget(target);
  const checkout = requireCheckout();
  const files = projectFiles(names.value, linkedPackages(checkout, target));
  await writeAll(target, files);
  io.out(`${files.size} files written to ${target}`);
  if (options.install !== false) await install(target, io);
  const shown = options.directory ?? name;
  io.err(
    `\nNext:\n  cd ${shown}\n  npm run dev     # a cluster, the operator and a ${names.value.kind}, in one process\n  npm test`,
  );
  return exitCodes.ok;
}

async function refuseTarget(target: string): Promise<void> {
  const parent = dirname(target);
  if (!existsSync(parent)) throw new CommandError(exitCodes.usage, `${parent} does not exist; make it first`);
  if (!existsSync(target)) return;
  const entries = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return ['a file'];
    throw error;
  });
  if (entries.length === 0) return;
  throw new CommandError(
    exitCodes.failed,
    `${target} exists and is not empty, so nothing was written; choose another name, or --directory`,
  );
}

/** Beside the target first, and moved there when all is written. */
async function writeAll(target: string, files: ReadonlyMap<string, string>): Promise<void> {
  const scratch = await mkdtemp(join(dirname(target), `.${basename(target)}-`)).catch((error: Error) => {
    throw new CommandError(exitCodes.failed, `${dirname(target)} cannot be written to: ${error.message}`, {
      cause: error,
    });
  });
  try {
    const project = join(scratch, 'project');
    for (const [path, text] of files) {
      const file = join(project, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    await rename(project, target);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Everything comes from the checkout: no registry is asked. */
async function install(target: string, io: Io): Promise<void> {
  const args = ['install', '--no-audit', '--no-fund', '--offline', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', args, { cwd: target, timeout: 120_000, signal: io.signal });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new CommandError(
      exitCodes.failed,
      `the project is written, but npm install failed in ${target}; run it there by hand:\n${(stderr || message).trim().slice(-2_000)}`,
      { cause: error },
    );
  }
}

function requireCheckout(): string {
  const checkout = findCheckout();
  if (checkout) return checkout;
  const message = 'the packages of Sluice are not beside this program; run it from a checkout of Sluice';
  throw new CommandError(exitCodes.failed, message);
}

const adapted = ['package.json', 'tsconfig.json', 'rolldown.config.mjs', 'README.md'];

/** `sluice operator vendor`: put the packages of Sluice into the project, so that it needs the checkout no more. */
export async function operatorVendorCommand(options: { readonly directory?: string }, io: Io): Promise<ExitCode> {
  const project = resolve(io.cwd, options.directory ?? '.');
  const before = await readFile(join(project, 'package.json'), 'utf8').catch(() => '');
  if (!before.includes('"@sluice/operator"')) {
    throw new CommandError(
      exitCodes.usage,
      `${project} is not an operator: its package.json does not depend on @sluice/operator`,
    );
  }
  const checkout = requireCheckout();
  const archive = await packToolkit(checkout, join(project, 'vendor'), io.signal);
  const packages = vendoredPackages(checkout, archive);
  for (const file of adapted) {
    const path = join(project, file);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const portable = readmeAfterVendoring(withoutSources(file, text), packages);
    await writeFile(path, file === 'package.json' ? manifest(portable, packages) : portable);
  }
  await rm(join(project, 'package-lock.json'), { force: true });
  io.out(`vendor/${archive}`);
  io.err('\nNext:\n  npm install     # asks the registry of npm for everything that is not of Sluice\n  npm test');
  return exitCodes.ok;
}
