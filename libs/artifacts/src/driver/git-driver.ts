import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JsonObject } from '@sluice/model';
import { CommandStopped, runCommand } from '@sluice/runtime';
import { ArtifactError } from '../artifact-error.ts';
import { type Driver, type DriverContext, requiredField, secretField, textField } from './driver.ts';

const timeoutMs = 15 * 60_000;

/** A clone of a repository with its submodules, at the wanted revision. `binary`: the path of git. */
export function gitDriver(binary: string): Driver {
  return {
    async load(settings, target, context) {
      const remote = remoteOf(settings);
      const clone = await cloneOf(binary, settings, remote, context);
      const { depth, singleBranch } = settings;
      const branch = ref(settings, 'branch');
      const revision = ref(settings, 'revision');
      const shallow = typeof depth === 'number' && depth > 0 ? ['--depth', String(depth)] : [];
      const single = singleBranch === true ? ['--single-branch'] : shallow.length > 0 ? ['--no-single-branch'] : [];
      const at = branch === undefined ? [] : ['--branch', branch];
      await clone(['clone', '--quiet', '--no-checkout', ...shallow, ...single, ...at, '--', remote, target]);
      const git = (args: readonly string[]): Promise<void> => clone(['-C', target, ...args]);
      for (const refspec of Array.isArray(settings['fetch']) ? settings['fetch'] : [])
        await git(['fetch', '--quiet', ...shallow, 'origin', checkedRef(String(refspec), 'fetch')]);
      await checkOut(git, revision, shallow);
      if (settings['disableSubmodules'] !== true)
        await git(['submodule', '--quiet', 'update', '--init', '--recursive', ...shallow]);
    },
  };
}

async function checkOut(
  git: (args: readonly string[]) => Promise<void>,
  revision: string | undefined,
  shallow: readonly string[],
): Promise<void> {
  if (revision === undefined) return git(['checkout', '--quiet']);
  try {
    await git(['checkout', '--quiet', revision]);
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    // Not among what was cloned: a commit beyond the depth, or a ref outside of branches and tags.
    await git(['fetch', '--quiet', ...shallow, 'origin', revision]).catch(() => {
      throw error;
    });
    await git(['checkout', '--quiet', 'FETCH_HEAD']);
  }
}

function remoteOf(settings: JsonObject): string {
  const repo = requiredField(settings, 'repo', 'git');
  const scpLike = /^[\w.-]+@[\w.-]+:(?!\/\/)\S+$/.test(repo);
  const allowed = scpLike || /^(?:https?|ssh):\/\/[^\s-]\S*$/.test(repo);
  if (!allowed || repo.includes('::'))
    throw new ArtifactError('refused', 'git.repo must be an http, https or ssh address');
  return repo;
}

function ref(settings: JsonObject, field: string): string | undefined {
  const value = textField(settings, field);
  return value === undefined ? undefined : checkedRef(value, field);
}

function checkedRef(value: string, field: string): string {
  if (!value.startsWith('-') && !/[\s\p{Cc}]/u.test(value)) return value;
  throw new ArtifactError('refused', `git.${field} ${JSON.stringify(value.slice(0, 100))} is no revision`);
}

type Git = (args: readonly string[]) => Promise<void>;

/** git with nothing of this machine's configuration; secrets go into its environment, never among its arguments. */
async function cloneOf(binary: string, settings: JsonObject, remote: string, context: DriverContext): Promise<Git> {
  const config: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['credential.helper', ''],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '60'],
    ['protocol.allow', 'never'],
    ['advice.detachedHead', 'false'],
    ...['http', 'https', 'ssh'].map((name): [string, string] => [`protocol.${name}.allow`, 'always']),
    ...(await webConfig(settings, remote, context)),
  ];
  const env: Record<string, string> = {
    HOME: context.scratch,
    PATH: `${dirname(binary)}:/usr/local/bin:/usr/bin:/bin`,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    GIT_CONFIG_COUNT: String(config.length),
    ...(await sshEnvironment(settings, context)),
  };
  for (const [index, [key, value]] of config.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  const { signal, scratch } = context;
  return async (args) => {
    try {
      const { code, stderr } = await runCommand(binary, args, {
        env,
        cwd: scratch,
        timeoutMs,
        maxBytes: 1 << 20,
        signal,
      });
      if (code !== 0) throw failure(stderr);
    } catch (error) {
      if (!(error instanceof CommandStopped)) throw error;
      throw new ArtifactError(error.kind === 'timeout' ? 'transient' : 'refused', error.message, { cause: error });
    }
  };
}

/** The words of git that point to something that may pass. */
const passing = /Could not resolve host|Connection (?:refused|reset|timed out)|early EOF|HTTP 5\d\d|error: 5\d\d/;

function failure(stderr: string): ArtifactError {
  const text = stderr
    .replace(/\/\/[^/\s@]*@/g, '//')
    .trim()
    .split('\n')
    .slice(-3)
    .join('; ');
  return new ArtifactError(passing.test(stderr) ? 'transient' : 'refused', `git: ${text.slice(0, 500)}`);
}

async function webConfig(settings: JsonObject, remote: string, context: DriverContext): Promise<[string, string][]> {
  if (!/^https?:/.test(remote)) return [];
  const { origin, hostname, port, protocol } = new URL(remote);
  const config: [string, string][] = [];
  const user = await secretField(settings, 'usernameSecret', context);
  const password = await secretField(settings, 'passwordSecret', context);
  if (user !== undefined || password !== undefined) {
    const basic = Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64');
    config.push([`http.${origin}/.extraHeader`, `Authorization: Basic ${basic}`]);
  }
  if (settings['insecureSkipTLS'] === true) config.push([`http.${origin}/.sslVerify`, 'false']);
  const address = context.resolveHost(hostname);
  if (address !== undefined)
    config.push(['http.curloptResolve', `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}:${address}`]);
  return config;
}

async function sshEnvironment(settings: JsonObject, context: DriverContext): Promise<Record<string, string>> {
  const key = await secretField(settings, 'sshPrivateKeySecret', context);
  const ignore = settings['insecureIgnoreHostKey'] === true;
  const trust = ['-o', `StrictHostKeyChecking=${ignore ? 'no' : 'accept-new'}`];
  const command = ['ssh', '-o', 'BatchMode=yes', '-o', 'IdentityAgent=none', '-o', 'ConnectTimeout=20', ...trust];
  if (key === undefined) return { GIT_SSH_COMMAND: [...command, '-o', 'IdentitiesOnly=yes'].join(' ') };
  const directory = join(context.scratch, '.ssh');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'key');
  await writeFile(file, key.endsWith('\n') ? key : `${key}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  const quoted = `'${file.replaceAll("'", `'\\''`)}'`;
  return { GIT_SSH_COMMAND: [...command, '-o', 'IdentitiesOnly=yes', '-i', quoted].join(' ') };
}
