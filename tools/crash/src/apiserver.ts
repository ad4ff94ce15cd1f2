import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApiServer, startApiServer } from '@sluice/apiserver';
import { silentLog } from '@sluice/runtime';
import { openStore } from '@sluice/store';
import { brokenHistory, brokenPromises, parsePromises, type Seen, type Stored } from './promises.ts';

export type CrashOptions = {
  readonly rounds: number;
  readonly seed: number;
  /** Called after each round. */
  readonly onRound?: (round: number, promises: number, problems: readonly string[]) => void;
};

/** What came of it: promises that were checked, watches that had to start anew because history is bounded, and what was broken. */
export type CrashReport = {
  readonly kills: number;
  readonly promises: number;
  readonly resumedWatches: number;
  readonly expiredWatches: number;
  readonly problems: readonly string[];
};

/** Longest life of the process that is killed. */
const maxLifeMs = 20_000;
const maps = '/api/v1/namespaces/default/configmaps';

/** Kills the writer process `rounds` times over one data directory and checks after each. */
export async function crashApiServer({ rounds, seed, onRound }: CrashOptions): Promise<CrashReport> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-crash-'));
  const random = randomFrom(seed);
  const total = { kills: 0, promises: 0, resumedWatches: 0, expiredWatches: 0, problems: [] as string[] };
  let last: Listing | undefined;
  try {
    for (let round = 0; round < rounds; round++) {
      // Some are killed while they start, most under load.
      const limit =
        random() < 0.1 ? { delayMs: Math.floor(random() * 400) } : { lines: 1 + Math.floor(random() * 400) };
      const lines = parsePromises(await runUntilKilled(directory, round, limit));
      const checked = await check(directory, lines, last, random() < 0.3);
      last = checked.listing;
      total.kills++;
      total.promises += lines.length;
      total.resumedWatches += checked.watch === 'resumed' ? 1 : 0;
      total.expiredWatches += checked.watch === 'expired' ? 1 : 0;
      total.problems.push(...checked.problems.map((problem) => `round ${round}: ${problem}`));
      onRound?.(round, lines.length, checked.problems);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return total;
}

type Limit = { readonly lines: number } | { readonly delayMs: number };

async function runUntilKilled(directory: string, round: number, limit: Limit): Promise<string> {
  const script = fileURLToPath(new URL('./apiserver-writer.ts', import.meta.url));
  const promises = join(directory, 'promises');
  await writeFile(promises, '');
  const child = spawn(process.execPath, ['--conditions=@sluice/source', script, directory, String(round), promises], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 'delayMs' in limit ? limit.delayMs : maxLifeMs);
  let count = 0;
  try {
    for await (const chunk of child.stdout) {
      count += (chunk as Buffer).length;
      if ('lines' in limit && count >= limit.lines) child.kill('SIGKILL');
    }
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
  return readFile(promises, 'utf8');
}

type Listing = { readonly items: readonly Stored[]; readonly version: number };
type Checked = {
  readonly listing: Listing;
  readonly watch: 'resumed' | 'expired' | 'none';
  readonly problems: readonly string[];
};

/** Opens what the killed process left, and compares. */
async function check(
  directory: string,
  lines: ReturnType<typeof parsePromises>,
  last: Listing | undefined,
  empties: boolean,
): Promise<Checked> {
  const store = await openStore({ directory: join(directory, 'store'), formatVersion: 1 });
  const server = await startApiServer({
    store,
    host: '127.0.0.1',
    port: 0,
    directory: join(directory, 'pki'),
    log: silentLog,
    now: Date.now,
  });
  try {
    const found = await list(server);
    const problems = [...brokenPromises(lines, found.items, found.version)];
    const seen = last ? await eventsSince(server, last.version) : undefined;
    if (last && seen !== 'expired') problems.push(...brokenHistory(last.items, found.items, seen ?? []));
    // Now and then all objects go, so that the store does not only grow.
    if (empties) await server.handle({ method: 'DELETE', path: maps, headers: {} });
    const watch = last === undefined ? 'none' : seen === 'expired' ? 'expired' : 'resumed';
    return { listing: empties ? await list(server) : found, watch, problems };
  } finally {
    await server.close();
    await store.close();
  }
}

async function list(server: ApiServer): Promise<Listing> {
  const { body } = await server.handle({ method: 'GET', path: maps, headers: {} });
  const parsed = JSON.parse(typeof body === 'string' ? body : '') as {
    readonly metadata: { readonly resourceVersion: string };
    readonly items: readonly Stored[];
  };
  // Other maps of the namespace are not the writers'.
  const items = parsed.items.filter(({ metadata }) => metadata.name.startsWith('r'));
  return { items, version: Number(parsed.metadata.resourceVersion) };
}

async function eventsSince(server: ApiServer, version: number): Promise<readonly Seen[] | 'expired'> {
  const path = `${maps}?watch=true&resourceVersion=${version}&timeoutSeconds=1`;
  const { body } = await server.handle({ method: 'GET', path, headers: {} });
  if (typeof body !== 'object' || !(Symbol.asyncIterator in body)) throw new TypeError('a watch without events');
  let text = '';
  for await (const part of body) text += Buffer.from(part).toString();
  const seen: Seen[] = [];
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Stored };
    if (type === 'ERROR') return 'expired';
    const { name, resourceVersion } = object.metadata;
    if (name.startsWith('r')) seen.push({ type, name, version: Number(resourceVersion) });
  }
  return seen;
}

/** Numbers from 0 to 1 that a seed decides. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
