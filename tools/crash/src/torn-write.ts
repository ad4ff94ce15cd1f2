import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type StoreOperation } from '@sluice/store';

/** What came of it: how many torn files were opened, in how many the last commit was there, and what was wrong. */
export type TornReport = { readonly files: number; readonly complete: number; readonly problems: readonly string[] };

/** LMDB keeps two descriptions of its newest state in the first two pages and writes one of them last. */
const metaBytes = 2 * 4096;

/**
 * Tears the file of a store at every `step`-th byte of its last commit: everything before the cut is written, nothing after it, in the order in which
 * the store writes. Each time the store must open with the last commit whole or not at all.
 */
export async function tearLastCommit({ step }: { readonly step: number }): Promise<TornReport> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-torn-'));
  try {
    const { before, after } = await snapshots(directory);
    const cuts = cutsOf(before, after, step);
    const report = { files: 0, complete: 0, problems: [] as string[] };
    for (const { at, bytes } of cuts) {
      const outcome = await open(join(directory, 'torn'), bytes);
      report.files++;
      if (outcome === 'after') report.complete++;
      else if (outcome !== 'before') report.problems.push(`cut after ${at} changed bytes: ${outcome}`);
    }
    return report;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const lastKey = 'last';
const valueOf = (name: string): Uint8Array => Buffer.from(`${name} ${'x'.repeat(700)}`);

async function snapshots(directory: string): Promise<{ readonly before: Buffer; readonly after: Buffer }> {
  const path = join(directory, 'store');
  const file = join(path, 'data.mdb');
  const commit = async (operations: readonly StoreOperation[]): Promise<Buffer> => {
    const store = await openStore({ directory: path, formatVersion: 1 });
    await store.commit(operations);
    await store.close();
    await copyFile(file, join(directory, 'copy'));
    return readFile(join(directory, 'copy'));
  };
  const names = Array.from({ length: 200 }, (_, index) => `o/configmaps/default/m${index}`);
  await commit(names.map((key) => ({ type: 'put', key, value: valueOf(key) })));
  const before = await commit([{ type: 'put', key: lastKey, value: valueOf('old') }]);
  const changed: StoreOperation[] = [
    { type: 'put', key: lastKey, value: valueOf('new') },
    { type: 'put', key: 'added', value: valueOf('added') },
    { type: 'delete', key: names[7] ?? '' },
  ];
  return { before, after: await commit(changed) };
}

/** The changed bytes, data before description, applied one after the other. */
function* cutsOf(
  before: Buffer,
  after: Buffer,
  step: number,
): Generator<{ readonly at: number; readonly bytes: Buffer }> {
  const order: number[] = [];
  for (let index = metaBytes; index < after.length; index++) if (before[index] !== after[index]) order.push(index);
  const dataChanges = order.length;
  for (let index = 0; index < metaBytes; index++) if (before[index] !== after[index]) order.push(index);
  const torn = Buffer.alloc(after.length);
  before.copy(torn);
  let length = before.length;
  for (const [count, index] of order.entries()) {
    const isData = count < dataChanges;
    if (!isData || count % step === 0) yield { at: count, bytes: torn.subarray(0, isData ? length : after.length) };
    torn[index] = after[index] ?? 0;
    length = Math.max(length, index + 1);
  }
  yield { at: order.length, bytes: torn };
}

/** Which of the two states a file has; anything else in words. */
async function open(directory: string, bytes: Uint8Array): Promise<string> {
  await rm(directory, { recursive: true, force: true });
  const empty = await openStore({ directory, formatVersion: 1 });
  await empty.close();
  await rm(join(directory, 'lock.mdb'), { force: true });
  await writeFile(join(directory, 'data.mdb'), bytes);
  const store = await openStore({ directory, formatVersion: 1 });
  try {
    const found = new Map([...store.range()].map(([key, value]) => [key, Buffer.from(value).toString()]));
    for (const [key, value] of found) {
      const isKnown = key === lastKey || value === Buffer.from(valueOf(key)).toString();
      if (!isKnown) return `${key} holds ${value.slice(0, 40)}`;
    }
    const last = found.get(lastKey)?.split(' ')[0];
    const isNew = last === 'new' && found.has('added') && found.size === 201;
    const isOld = last === 'old' && !found.has('added') && found.size === 201;
    return isNew ? 'after' : isOld ? 'before' : `${found.size} keys, last is ${String(last)}`;
  } finally {
    await store.close();
  }
}
