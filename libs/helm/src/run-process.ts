import { spawn } from 'node:child_process';

export type ProcessOptions = {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** SIGTERM after this time. */
  readonly timeoutMs: number;
  /** SIGKILL this long after SIGTERM. Default 20 s. */
  readonly graceMs?: number;
  /** The last bytes of each stream that are kept. Default 256 KiB. */
  readonly maxOutputBytes?: number;
  /** Firing it sends SIGTERM to the process group. */
  readonly signal?: AbortSignal;
  readonly onStart?: (pid: number) => void;
};

export type ProcessResult = {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: 'itself' | 'timeout' | 'aborted';
};

/** Run a program in a process group of its own, with bounded time and output. Rejects only when it cannot be started. */
export function runProcess(options: ProcessOptions): Promise<ProcessResult> {
  const { command, args, env, cwd, stdin, timeoutMs, graceMs = 20_000, maxOutputBytes = 256 * 1024, signal } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(command, args, { env, detached: true, stdio: 'pipe', ...(cwd ? { cwd } : {}) });
    const stdout = new Tail(maxOutputBytes);
    const stderr = new Tail(maxOutputBytes);
    let ended: ProcessResult['ended'] = 'itself';
    let killTimer: NodeJS.Timeout | undefined;
    const signalGroup = (name: 'SIGTERM' | 'SIGKILL'): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // The group has gone already: that is what was wanted.
      }
    };
    const stop = (why: ProcessResult['ended']): void => {
      if (killTimer) return;
      ended = why;
      signalGroup('SIGTERM');
      killTimer = setTimeout(() => signalGroup('SIGKILL'), graceMs);
    };
    const timer = setTimeout(() => stop('timeout'), timeoutMs);
    const onAbort = (): void => stop('aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    const release = (): void => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', onAbort);
    };
    child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin ?? '');
    child.once('spawn', () => child.pid !== undefined && options.onStart?.(child.pid));
    child.once('error', (error) => {
      release();
      reject(error);
    });
    child.once('close', (code) => {
      release();
      resolve({ code, stdout: stdout.text(), stderr: stderr.text(), ended });
    });
  });
}

/** Keeps the end of a stream. */
class Tail {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length <= this.#maxBytes * 2) return;
    const kept = Buffer.concat(this.#chunks).subarray(-this.#maxBytes);
    this.#chunks = [kept];
    this.#length = kept.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#maxBytes).toString('utf8');
  }
}
