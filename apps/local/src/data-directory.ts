import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { processStartTime } from './process-identity.ts';

/** Format of the data directory. A directory with a higher number was written by a newer Sluice and is refused. */
export const formatVersion = 1;

/** A data directory that cannot be used; `message` says why and what to do. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/** `$SLUICE_HOME`, else `$XDG_DATA_HOME/sluice`, else `~/.local/share/sluice`. */
export function defaultDirectory(env: Readonly<Record<string, string | undefined>>): string {
  if (env['SLUICE_HOME']) return env['SLUICE_HOME'];
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'sluice');
}

/** `$SLUICE_CACHE`, else `$XDG_CACHE_HOME/sluice`, else `~/.cache/sluice`: what can be made again, such as unpacked binaries. */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>>): string {
  if (env['SLUICE_CACHE']) return env['SLUICE_CACHE'];
  return join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice');
}

export type DataDirectory = {
  readonly path: string;
  /** Path of an entry, made as a directory with mode 0700 when it is missing. */
  directory(name: string): string;
  file(name: string): string;
  /** Replace a file's content in one step, readable only by its owner. */
  writePrivate(name: string, content: string): void;
  release(): void;
};

/** Make or open a data directory and lock it for this process. Throws {@link DataDirectoryError}. */
export function openDataDirectory(path: string): DataDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DataDirectoryError(
      `the data directory ${path} cannot be made: ${messageOf(error)}; choose another with --data`,
      { cause: error },
    );
  }
  const lock = join(path, 'lock');
  takeLock(lock, path);
  try {
    checkVersion(path);
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  }
  return {
    path,
    directory: (name) => {
      const directory = join(path, name);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      return directory;
    },
    file: (name) => join(path, name),
    writePrivate: (name, content) => {
      const temporary = join(path, `.${name}.new`);
      writeFileSync(temporary, content, { mode: 0o600 });
      renameSync(temporary, join(path, name));
    },
    release: () => rmSync(lock, { force: true }),
  };
}

function checkVersion(path: string): void {
  const file = join(path, 'version');
  if (!existsSync(file)) {
    writeFileSync(file, `${formatVersion}\n`, { mode: 0o600 });
    return;
  }
  const text = readFileSync(file, 'utf8').trim();
  const version = Number(text);
  if (!Number.isInteger(version) || version < 1) {
    throw new DataDirectoryError(
      `${file} holds ${JSON.stringify(text.slice(0, 40))}, not a format version; this is not a Sluice data directory`,
    );
  }
  if (version > formatVersion) {
    throw new DataDirectoryError(
      `the data directory ${path} has format ${version}, this Sluice knows formats up to ${formatVersion}; upgrade Sluice, or choose another directory with --data`,
    );
  }
}

/** The lock file holds `pid start-time`; a lock whose process is gone (or whose pid was given away) is taken over. */
function takeLock(lock: string, path: string): void {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(lock, 'wx', 0o600);
      writeSync(file, `${process.pid} ${processStartTime(process.pid) ?? ''}\n`);
      closeSync(file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new DataDirectoryError(`the data directory ${path} cannot be written: ${messageOf(error)}`, {
          cause: error,
        });
      }
    }
    const pid = processUsing(path);
    if (pid) {
      throw new DataDirectoryError(
        `the data directory ${path} is in use by process ${pid}; stop it (sluice down), or choose another directory with --data`,
      );
    }
    rmSync(lock, { force: true });
  }
  throw new DataDirectoryError(`the lock ${lock} could not be taken; another process takes it at the same time`);
}

/** The live process that has a data directory open; undefined when there is none. */
export function processUsing(path: string): number | undefined {
  const [pid, start] = readLock(join(path, 'lock'));
  return pid && processStartTime(pid) !== undefined && processStartTime(pid) === start ? pid : undefined;
}

function readLock(lock: string): [number | undefined, string | undefined] {
  try {
    const [pid, start] = readFileSync(lock, 'utf8').trim().split(' ');
    return [Number(pid) || undefined, start];
  } catch {
    return [undefined, undefined];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
