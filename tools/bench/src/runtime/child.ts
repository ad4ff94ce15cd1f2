import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const limitMs = 120_000;

/** A process of the bench that answers messages one at a time. It runs the built code, as users do. */
export class Child {
  readonly #child: ChildProcess;

  constructor(file: string, args: readonly string[]) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: ['--expose-gc'] });
  }

  send(message: string): void {
    this.#child.send(message);
  }

  /** What the process says next. */
  async next<T>(): Promise<T> {
    const [message] = (await once(this.#child, 'message', { signal: AbortSignal.timeout(limitMs) })) as [T];
    return message;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
