import { mkdirSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../pod/pod-spec.ts';

/** What is kept of pods that are gone. */
export type EndedLogLimits = { readonly pods: number; readonly bytes: number; readonly ageMs: number };

/** A day, 500 pods, 256 MiB: the newest stay. */
export const defaultEndedLogLimits: EndedLogLimits = Object.freeze({
  pods: 500,
  bytes: 256 * 1024 * 1024,
  ageMs: 24 * 60 * 60_000,
});

/** How many pods may come before the oldest are looked for again. */
const sweepEvery = 200;

/** The logs of pods whose object was deleted: `<directory>/<namespace>_<pod>_<uid>/<container>.log`. */
export class EndedLogs {
  readonly #directory: string;
  readonly #limits: EndedLogLimits;
  readonly #now: () => number;
  #kept = 0;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(directory: string, now: () => number, limits: EndedLogLimits = defaultEndedLogLimits) {
    this.#directory = directory;
    this.#limits = limits;
    this.#now = now;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Move the logs of a pod here. A pod that has none is fine. */
  async keep(pod: Pod, logs: string): Promise<void> {
    const { namespace = 'default', name, uid = '' } = pod.metadata;
    const place = join(this.#directory, `${namespace}_${name}_${uid}`);
    try {
      await rename(logs, place);
    } catch {
      return;
    }
    const seconds = this.#now() / 1_000;
    await utimes(place, seconds, seconds);
    if (++this.#kept % sweepEvery === 0) await this.sweep();
  }

  /** Remove what is beyond the limits. */
  sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(() => this.#sweep());
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { pods, bytes, ageMs } = this.#limits;
    const entries = await Promise.all(
      (await readdir(this.#directory)).map((name) => measure(join(this.#directory, name))),
    );
    let count = 0;
    let total = 0;
    for (const { path, at, size } of entries.toSorted((a, b) => b.at - a.at)) {
      total += size;
      if (++count > pods || total > bytes || this.#now() - at > ageMs) await rm(path, { recursive: true, force: true });
    }
  }
}

async function measure(path: string): Promise<{ path: string; at: number; size: number }> {
  const files = await readdir(path).catch((): string[] => []);
  const sizes = await Promise.all(
    files.map(async (name) => (await stat(join(path, name)).catch(() => undefined))?.size ?? 0),
  );
  const at = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
  return { path, at, size: sizes.reduce((sum, size) => sum + size, 0) };
}
