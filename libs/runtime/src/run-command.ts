import { spawn } from 'node:child_process';

export type CommandOptions = {
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly timeoutMs: number;
  /** Longest standard output; more of it stops the child. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
};

export type CommandOutput = {
  readonly code: number;
  readonly stdout: Buffer;
  /** The first 8 KiB. */
  readonly stderr: string;
};

/** The command gave no exit code of its own. `kind` says why. */
export class CommandStopped extends Error {
  override readonly name = 'CommandStopped';
  readonly kind: 'not-started' | 'timeout' | 'output-too-long' | 'aborted' | 'killed';
  readonly stderr: string;
  constructor(kind: CommandStopped['kind'], message: string, stderr: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.stderr = stderr;
  }
}

const stderrBytes = 8 * 1024;

/** Run a program to its end, without a shell. Any exit code is an answer; throws {@link CommandStopped} without one. */
export function runCommand(file: string, args: readonly string[], options: CommandOptions): Promise<CommandOutput> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandOutput>();
  const child = spawn(file, [...args], { cwd: options.cwd, env: { ...options.env }, stdio: 'pipe' });
  const chunks: Buffer[] = [];
  let length = 0;
  let stderr = '';
  let stopped: { kind: CommandStopped['kind']; why: string } | undefined;
  const stop = (kind: CommandStopped['kind'], why: string): void => {
    stopped ??= { kind, why };
    child.kill('SIGKILL');
  };
  const abort = (): void => stop('aborted', 'was aborted');
  const timer = setTimeout(() => stop('timeout', `ran longer than ${options.timeoutMs} ms`), options.timeoutMs);
  const release = (): void => {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', abort);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > options.maxBytes) stop('output-too-long', `printed more than ${options.maxBytes} bytes`);
    else chunks.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < stderrBytes) stderr = (stderr + chunk.toString('utf8')).slice(0, stderrBytes);
  });
  child.on('error', (error) => {
    release();
    reject(new CommandStopped('not-started', `${file} cannot be started: ${error.message}`, '', { cause: error }));
  });
  child.on('close', (code, signal) => {
    release();
    if (stopped) reject(new CommandStopped(stopped.kind, `${file} ${stopped.why}`, stderr));
    else if (code === null) reject(new CommandStopped('killed', `${file} was ended by ${signal}`, stderr));
    else resolve({ code, stdout: Buffer.concat(chunks), stderr });
  });
  // A child that ends without reading its input is no fault of ours.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  options.signal?.addEventListener('abort', abort, { once: true });
  if (options.signal?.aborted) abort();
  return promise;
}
