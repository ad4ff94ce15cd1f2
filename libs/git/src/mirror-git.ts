import { TransientError } from '@sluice/model';
import { CommandStopped, runCommand } from '@sluice/runtime';
import { dirname } from 'node:path';

/** Runs git for one bare mirror, with nothing but what is given here in its environment and configuration. */
export type MirrorGit = (args: readonly string[], options?: MirrorGitOptions) => Promise<MirrorGitOutput>;

export type MirrorGitOptions = {
  readonly input?: string;
  readonly config?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
};

export type MirrorGitOutput = { readonly code: number; readonly stdout: Buffer; readonly stderr: string };

const localTimeoutMs = 60_000;
const defaultMaxBytes = 32 * 1024 * 1024;
const usualPath = '/usr/local/bin:/usr/bin:/bin';

/** git over a mirror at `gitDir`. `protocols` are the transports that it may use. */
export function createMirrorGit(options: {
  readonly binary: string;
  readonly gitDir: string;
  readonly home: string;
  readonly protocols: readonly string[];
}): MirrorGit {
  const { binary, gitDir, home, protocols } = options;
  const fixed: Record<string, string> = {
    'core.hooksPath': '/dev/null',
    'transfer.fsckObjects': 'true',
    'protocol.allow': 'never',
    'http.followRedirects': 'false',
    'http.lowSpeedLimit': '1000',
    'http.lowSpeedTime': '30',
    'credential.helper': '',
    'safe.directory': '*',
    'gc.auto': '0',
    'maintenance.auto': 'false',
    ...Object.fromEntries(protocols.map((protocol) => [`protocol.${protocol}.allow`, 'always'])),
  };
  return async (args, { input, config, timeoutMs = localTimeoutMs, maxBytes = defaultMaxBytes, signal } = {}) => {
    const env = {
      HOME: home,
      PATH: `${dirname(binary)}:${usualPath}`,
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: '/bin/false',
      GIT_LITERAL_PATHSPECS: '1',
      GIT_NO_REPLACE_OBJECTS: '1',
      ...configEnvironment({ ...fixed, ...config }),
    };
    const run = { env, cwd: home, timeoutMs, maxBytes, ...(input === undefined ? {} : { input }) };
    try {
      return await runCommand(binary, ['--git-dir', gitDir, ...args], signal ? { ...run, signal } : run);
    } catch (error) {
      if (!(error instanceof CommandStopped)) throw error;
      throw new TransientError(`git ${args[0] ?? ''} gave no answer: ${error.message}`, { cause: error });
    }
  };
}

/** Configuration by environment, so that secrets never show among the arguments. */
function configEnvironment(config: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(config);
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(entries.length) };
  for (const [index, [key, value]] of entries.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}
