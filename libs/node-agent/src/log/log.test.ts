import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { ContainerLog, defaultLogOptions } from './container-log.ts';
import { nanoTime, parseLine } from './cri-line.ts';
import { closedLog, readLog, type ReadLogOptions } from './read-log.ts';
import type { LogFiles } from './container-log.ts';

function newLog(options: Partial<typeof defaultLogOptions> = {}) {
  const path = join(temporaryDirectory(), 'main.log');
  return { path, log: new ContainerLog(path, { ...defaultLogOptions, ...options }) };
}

async function textOf(files: LogFiles, options: ReadLogOptions = {}): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of readLog(files, options)) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

test('lines are kept in the CRI format, a last one without newline as a part', async () => {
  const { path, log } = newLog({ now: () => 1_700_000_000_123.456 });
  log.append('stdout', bytes('one\ntw'));
  log.append('stderr', bytes('err\n'));
  log.append('stdout', bytes('o\nrest'));
  await log.close();
  const time = '2023-11-14T22:13:20.123455810Z';
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.slice(time.length + 1));
  expect(lines).toEqual(['stdout F one', 'stderr F err', 'stdout F two', 'stdout P rest', '']);
  expect(await textOf(closedLog(path))).toBe('one\nerr\ntwo\nrest');
});

test('times never go back', async () => {
  const times = [5_000, 4_000, 6_000];
  const { path, log } = newLog({ now: () => times.shift() ?? 0 });
  for (const text of ['a\n', 'b\n', 'c\n']) log.append('stdout', bytes(text));
  await log.close();
  const found = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => parseLine(bytes(line))?.time);
  expect(found).toEqual([nanoTime(5_000), nanoTime(5_000), nanoTime(6_000)]);
});

test('a long line is split and comes back whole', async () => {
  const { path, log } = newLog();
  const long = 'x'.repeat(100_000);
  log.append('stdout', bytes(`${long}\nend\n`));
  await log.close();
  expect(await textOf(closedLog(path))).toBe(`${long}\nend\n`);
  expect(
    Math.max(
      ...readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThan(17_000);
});

const tails: { tailLines: number; want: string }[] = [
  { tailLines: 0, want: '' },
  { tailLines: 1, want: 'c\n' },
  { tailLines: 2, want: 'b\nc\n' },
  { tailLines: 9, want: 'a\nb\nc\n' },
];
test.for(tails)('the last $tailLines lines', async ({ tailLines, want }) => {
  const { path, log } = newLog();
  log.append('stdout', bytes('a\nb\nc\n'));
  await log.close();
  expect(await textOf(closedLog(path), { tailLines })).toBe(want);
});

test('since, timestamps and a limit', async () => {
  const times = [1_000, 2_000];
  const { path, log } = newLog({ now: () => times.shift() ?? 2_000 });
  log.append('stdout', bytes('old\n'));
  log.append('stdout', bytes('new\n'));
  await log.close();
  expect(await textOf(closedLog(path), { sinceTime: '1970-01-01T00:00:02Z' })).toBe('new\n');
  expect(await textOf(closedLog(path), { sinceTime: '1970-01-01T01:00:01.5+01:00' })).toBe('new\n');
  expect(await textOf(closedLog(path), { timestamps: true, tailLines: 1 })).toBe(
    '1970-01-01T00:00:02.000000000Z new\n',
  );
  expect(await textOf(closedLog(path), { limitBytes: 5 })).toBe('old\nn');
});

test('the file is rotated once and the oldest lines go', async () => {
  const { path, log } = newLog({ maxBytes: 2_000 });
  for (let i = 0; i < 200; i++) {
    log.append('stdout', bytes(`line ${i}\n`));
    if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
  const text = await textOf(closedLog(path));
  expect(text.endsWith('line 198\nline 199\n')).toBe(true);
  expect(statSync(path).size + statSync(`${path}.1`).size).toBeLessThan(20_000);
});

test('a follower sees every line once and ends with the log', async () => {
  const { log } = newLog({ maxBytes: 50_000 });
  const followers = Array.from({ length: 5 }, () => textOf(log, { follow: true }));
  const want: string[] = [];
  for (let i = 0; i < 3_000; i++) {
    want.push(`line ${i}`);
    log.append(i % 3 === 0 ? 'stderr' : 'stdout', bytes(`line ${i}\n`));
    if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
  for (const text of await Promise.all(followers)) expect(text).toBe(`${want.join('\n')}\n`);
});

test('a follower that joins late or wants a tail goes on from there', async () => {
  const { log } = newLog();
  log.append('stdout', bytes('a\nb\n'));
  const all = textOf(log, { follow: true });
  const tail = textOf(log, { follow: true, tailLines: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  log.append('stdout', bytes('c\n'));
  await log.close();
  expect(await all).toBe('a\nb\nc\n');
  expect(await tail).toBe('b\nc\n');
});

test('a follower stops when its signal fires', async () => {
  const { log } = newLog();
  log.append('stdout', bytes('a\n'));
  const stop = new AbortController();
  const text = textOf(log, { follow: true, signal: stop.signal });
  setImmediate(() => stop.abort());
  expect(['', 'a\n']).toContain(await text);
  await log.close();
});

test('output beyond what a slow disk takes is dropped and said', async () => {
  const { path, log } = newLog({ maxPendingBytes: 1_000 });
  for (let i = 0; i < 100; i++) log.append('stdout', bytes(`${'y'.repeat(99)}\n`));
  await new Promise((resolve) => setTimeout(resolve, 20));
  log.append('stdout', bytes('after\n'));
  await log.close();
  const text = await textOf(closedLog(path));
  expect(text).toMatch(/\[sluice: \d+ bytes of output are missing here/);
  expect(text.endsWith('after\n')).toBe(true);
});

test('a torn last line of a killed writer does not hide the lines before', async () => {
  const { path, log } = newLog();
  log.append('stdout', bytes('a\n'));
  await log.close();
  const { appendFileSync } = await import('node:fs');
  appendFileSync(path, '2023-11-14T22:13:20.12');
  expect(await textOf(closedLog(path))).toBe('a\n');
});
