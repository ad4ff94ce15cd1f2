import { execFile } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Both ends of a pipe. The reader does not block. The one who spawns closes `write` after the child has it. */
export type Pipe = { readonly read: number; readonly write: number };

const batch = 64;

/**
 * Real pipes for the output of containers. Node gives children sockets, on which `> /dev/stdout` fails, and cannot give
 * two descriptors one pipe, which is what keeps stdout and stderr in order. So fifos are made ahead of need, a batch with
 * one `mkfifo`, and each is used once and unlinked as soon as it is open.
 */
export class FifoPool {
  readonly #directory: string;
  #free: string[] = [];
  #made = 0;
  #filling: Promise<void> | undefined;
  #usable = true;

  constructor(directory: string) {
    this.#directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** A pipe, or undefined where there is no `mkfifo`: the caller makes do with sockets. */
  async take(): Promise<Pipe | undefined> {
    for (let attempt = 0; attempt < 3 && this.#usable; attempt++) {
      const path = this.#free.pop();
      if (this.#free.length < batch / 4) this.#fill();
      if (path !== undefined) return openPipe(path);
      await this.#filling;
    }
    return undefined;
  }

  /** Make the first batch ahead of the first container. */
  async warm(): Promise<void> {
    this.#fill();
    await this.#filling;
  }

  #fill(): void {
    if (!this.#usable) return;
    this.#filling ??= this.#make().finally(() => {
      this.#filling = undefined;
    });
  }

  #make(): Promise<void> {
    const paths = Array.from({ length: batch }, () => join(this.#directory, String(this.#made++)));
    const { promise, resolve } = Promise.withResolvers<void>();
    execFile('mkfifo', ['-m', '600', '--', ...paths], { timeout: 5_000 }, (error) => {
      if (error) this.#usable = this.#free.length > 0;
      else this.#free.push(...paths);
      resolve();
    });
    return promise;
  }
}

function openPipe(path: string): Pipe {
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { read, write: openSync(path, constants.O_WRONLY) };
  } catch (error) {
    closeSync(read);
    throw error;
  } finally {
    unlinkSync(path);
  }
}
