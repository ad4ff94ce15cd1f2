import { CommandStopped, runCommand } from '@sluice/runtime';
import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, isAbsolute } from 'node:path';

/** How this server starts git: one binary, an environment of its own, a fixed configuration. */
export type GitProcess = {
  /** Start git with pipes on fd 0 to 2, and on fd 3 and 4 for hooks that talk to us. */
  spawn(args: readonly string[], options: SpawnOptions): ChildProcess;
  /** Run to the end and give what it printed. Throws {@link GitFailure} for an exit code not in `okCodes`. */
  run(args: readonly string[], options?: RunOptions): Promise<GitOutput>;
};

export type SpawnOptions = {
  readonly gitDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Open the two extra pipes. */
  readonly hookPipes?: boolean;
};

export type RunOptions = {
  readonly gitDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** Exit codes that are answers, not failures. Default: 0 only. */
  readonly okCodes?: readonly number[];
};

/** `stdout` is `bytes` read as UTF-8. */
export type GitOutput = { readonly code: number; readonly stdout: string; readonly bytes: Buffer };

/** git ended with an exit code that was not expected, ran too long or printed too much. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  /** undefined when it was killed or could not be started. */
  readonly code: number | undefined;
  readonly stderr: string;
  constructor(message: string, code: number | undefined, stderr: string) {
    super(message);
    this.code = code;
    this.stderr = stderr;
  }
}

export type GitProcessOptions = {
  /** Path of the git binary, or a name looked up in the usual directories. */
  readonly binary: string;
  /** An empty directory. */
  readonly home: string;
  readonly hooks: string;
  readonly maxPackBytes: number;
};

const defaultTimeoutMs = 30_000;
const defaultMaxBytes = 16 * 1024 * 1024;
const usualPath = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';

/** Build the one way to start git. Nothing of the caller's environment or git configuration reaches the child. */
export function createGitProcess(options: GitProcessOptions): GitProcess {
  const base = fixedEnvironment(options);
  const start = (args: readonly string[], { gitDir, env, hookPipes }: SpawnOptions): ChildProcess =>
    spawn(options.binary, gitDir ? ['--git-dir', gitDir, ...args] : [...args], {
      cwd: options.home,
      env: { ...base, ...env },
      stdio: hookPipes ? ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe'],
    });
  return { spawn: start, run: (args, run = {}) => runToEnd(options.binary, base, options.home, args, run) };
}

function fixedEnvironment({ binary, home, hooks, maxPackBytes }: GitProcessOptions): Record<string, string> {
  const config: Record<string, string> = {
    'core.hooksPath': hooks,
    'transfer.fsckObjects': 'true',
    'receive.maxInputSize': String(maxPackBytes),
    'receive.advertisePushOptions': 'true',
    'receive.procReceiveRefs': 'refs/for',
    'receive.hideRefs': 'refs/pull',
    'receive.autogc': 'false',
    'uploadpack.allowFilter': 'true',
    'uploadpack.allowAnySHA1InWant': 'true',
    'protocol.allow': 'never',
    'safe.directory': '*',
    'gc.autoDetach': 'false',
    'user.useConfigOnly': 'true',
  };
  const entries = Object.entries(config);
  const env: Record<string, string> = {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: String(entries.length),
    HOME: home,
    PATH: isAbsolute(binary) ? `${dirname(binary)}:${usualPath}` : usualPath,
    LC_ALL: 'C',
  };
  for (const [index, [key, value]] of entries.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}

async function runToEnd(
  binary: string,
  env: Readonly<Record<string, string>>,
  cwd: string,
  args: readonly string[],
  options: RunOptions,
): Promise<GitOutput> {
  const { timeoutMs = defaultTimeoutMs, maxBytes = defaultMaxBytes, okCodes = [0], input = '' } = options;
  const all = options.gitDir ? ['--git-dir', options.gitDir, ...args] : args;
  const run = { env: { ...env, ...options.env }, cwd, input, timeoutMs, maxBytes };
  const { code, stdout, stderr } = await runCommand(binary, all, run).catch((error: unknown) => {
    if (error instanceof CommandStopped) throw new GitFailure(error.message, undefined, error.stderr);
    throw error;
  });
  if (okCodes.includes(code)) return { code, bytes: stdout, stdout: stdout.toString('utf8') };
  throw new GitFailure(`git ${args[0] ?? ''} failed (exit ${code}): ${stderr.trim()}`, code, stderr);
}
