import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A helm process of an earlier life that still runs. */
export type Leftover = { readonly pid: number; readonly key: string };

/**
 * Remembers running helm processes in files, because they outlive a killed operator: whoever starts next must let them end
 * before it may call a release abandoned. A process is known by its pid and start time.
 */
export class Children {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<Children> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new Children(directory);
  }

  async add(pid: number, key: string, timeoutMs: number): Promise<void> {
    const startTime = await startTimeOf(pid);
    if (startTime === undefined) return;
    await writeFile(
      join(this.#directory, String(pid)),
      JSON.stringify({ startTime, key, until: Date.now() + timeoutMs }),
    );
  }

  async remove(pid: number): Promise<void> {
    await rm(join(this.#directory, String(pid)), { force: true });
  }

  /** Processes of an earlier life that still run. Files of those that have ended are removed. */
  async leftovers(): Promise<readonly Leftover[]> {
    const alive: Leftover[] = [];
    for (const name of await readdir(this.#directory)) {
      const recorded = await this.#read(name);
      if (recorded && (await startTimeOf(Number(name))) === recorded.startTime)
        alive.push({ pid: Number(name), key: recorded.key });
      else await rm(join(this.#directory, name), { force: true });
    }
    return alive;
  }

  /** Wait until a leftover has ended; SIGTERM when its time is over or the signal fires, then SIGKILL. */
  async settle({ pid }: Leftover, signal: AbortSignal, graceMs = 20_000): Promise<void> {
    const recorded = await this.#read(String(pid));
    const isAlive = async (): Promise<boolean> =>
      recorded !== undefined && (await startTimeOf(pid)) === recorded.startTime;
    const until = async (reached: () => boolean): Promise<void> => {
      while ((await isAlive()) && !reached()) await pause(50);
    };
    await until(() => signal.aborted || Date.now() > (recorded?.until ?? 0));
    if (await isAlive()) signalGroup(pid, 'SIGTERM');
    const deadline = performance.now() + graceMs;
    await until(() => performance.now() > deadline);
    if (await isAlive()) signalGroup(pid, 'SIGKILL');
    await this.remove(pid);
  }

  async #read(name: string): Promise<{ startTime: string; key: string; until: number } | undefined> {
    try {
      return JSON.parse(await readFile(join(this.#directory, name), 'utf8')) as {
        startTime: string;
        key: string;
        until: number;
      };
    } catch {
      // A file cut off by a crash tells nothing; the caller removes it.
      return undefined;
    }
  }
}

/** Start time of a live process in clock ticks, from /proc; undefined for zombies, for no process, and where /proc is missing. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? undefined : fields?.[19];
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
