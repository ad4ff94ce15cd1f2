import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openStore } from '../src/lmdb-store.ts';
import { NewerFormatError, type Store } from '../src/store.ts';

const directories: string[] = [];
async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-store-'));
  directories.push(directory);
  return directory;
}
afterAll(async () => {
  await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })));
});

test('what was committed is there after reopening', async () => {
  const directory = await temporary();
  const first = await openStore({ directory, formatVersion: 1 });
  await first.commit([{ type: 'put', key: 'a', value: Buffer.from('kept') }]);
  await first.close();
  const second = await openStore({ directory, formatVersion: 1 });
  expect(Buffer.from(second.get('a') ?? '').toString()).toBe('kept');
  await second.close();
});

test('refuses a directory of a newer format and names both versions', async () => {
  const directory = await temporary();
  await (await openStore({ directory, formatVersion: 7 })).close();
  const opening = openStore({ directory, formatVersion: 6 });
  await expect(opening).rejects.toThrow(NewerFormatError);
  await expect(opening).rejects.toThrow(/format 7.*up to 6/);
  await (await openStore({ directory, formatVersion: 7 })).close();
});

test('migrates a directory of an older format once', async () => {
  const directory = await temporary();
  await (await openStore({ directory, formatVersion: 1 })).close();
  const steps: number[] = [];
  const migrate = async (from: number, store: Store): Promise<void> => {
    steps.push(from);
    await store.commit([{ type: 'put', key: 'migrated', value: Buffer.from('yes') }]);
  };
  await (await openStore({ directory, formatVersion: 2, migrate })).close();
  const store = await openStore({ directory, formatVersion: 2, migrate });
  expect(steps).toEqual([1]);
  expect(store.get('migrated')).toBeDefined();
  await store.close();
});

/** Runs the writer, kills it after `acknowledgements` lines and returns the last counter acknowledged to each writer. */
async function writeUntilKilled(
  directory: string,
  round: number,
  acknowledgements: number,
): Promise<Map<string, number>> {
  const script = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@sluice/source', script, directory, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged = new Map<string, number>();
  let pending = '';
  let lines = 0;
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    pending += String(chunk);
    const complete = pending.split('\n');
    pending = complete.pop() ?? '';
    for (const line of complete) {
      const [writer = '', counter = ''] = line.split(' ');
      acknowledged.set(writer, Number(counter));
    }
    lines += complete.length;
    if (lines >= acknowledgements) child.kill('SIGKILL');
  }
  return acknowledged;
}

test('kill -9 during a load of writers loses no acknowledged commit and tears none', { timeout: 60_000 }, async () => {
  const directory = await temporary();
  for (let round = 0; round < 8; round++) {
    const acknowledged = await writeUntilKilled(directory, round, 40 + round * 90);
    expect(acknowledged.size).toBeGreaterThan(0);
    const store = await openStore({ directory, formatVersion: 1 });
    for (const [writer, counter] of acknowledged) {
      for (let n = 0; n <= counter; n++)
        expect(store.get(`log/${round}/${writer}/${n}`), `${writer}/${n}`).toBeDefined();
      const left = Buffer.from(store.get(`left/${writer}`) ?? '').toString();
      expect(left).toBe(Buffer.from(store.get(`right/${writer}`) ?? '').toString());
      const stored = Number(left.split('.')[1]);
      expect(stored).toBeGreaterThanOrEqual(counter);
      expect(left).toBe(`${round}.${stored}.${'x'.repeat(stored % 5_000)}`);
    }
    await store.close();
  }
});
