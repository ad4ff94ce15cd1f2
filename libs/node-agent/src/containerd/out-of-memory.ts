import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Ctr, ctrEnvironment } from './ctr.ts';

const maxKept = 1_000;
const againMs = 1_000;

/** Remembers which containers ran out of memory, from the events that containerd tells. */
export class OutOfMemoryWatch {
  readonly #ctr: Ctr;
  readonly #ids = new Set<string>();
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(ctr: Ctr) {
    this.#ctr = ctr;
    this.#follow();
  }

  /** True once for a container that was told of. */
  take(id: string): boolean {
    return this.#ids.delete(id);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
  }

  #follow(): void {
    const { file, prefix } = this.#ctr;
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    const child = spawn(file, [...prefix, 'events'], { env: { ...ctrEnvironment }, stdio: [...stdio] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#read(line));
    child.once('error', () => {});
    child.once('close', () => {
      if (!this.#closed) this.#timer = setTimeout(() => this.#follow(), againMs).unref();
    });
  }

  #read(line: string): void {
    const id = / \/tasks\/oom \{.*"container_id":"([^"]+)"/.exec(line)?.[1];
    if (id === undefined) return;
    if (this.#ids.size >= maxKept) this.#ids.clear();
    this.#ids.add(id);
  }
}
