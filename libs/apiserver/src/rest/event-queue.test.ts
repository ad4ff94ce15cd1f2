import { expect, test } from 'vitest';
import { EventQueue } from './event-queue.ts';

const line = (text: string): Uint8Array => Buffer.from(`${text}\n`);
async function read(queue: EventQueue): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of queue.drain()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('lines come out in order, whether they waited or not', async () => {
  const queue = new EventQueue();
  queue.pushBacklog(() => line('a'));
  const text = read(queue);
  queue.push(line('b'));
  await Promise.resolve();
  queue.push(line('c'));
  queue.end();
  expect(await text).toBe('a\nb\nc\n');
});

test('what waits at the end is still delivered, what comes later is not', async () => {
  const queue = new EventQueue();
  queue.push(line('a'));
  queue.end();
  queue.push(line('b'));
  expect(await read(queue)).toBe('a\n');
});

test('a burst is joined into few chunks', async () => {
  const queue = new EventQueue();
  for (let index = 0; index < 1_000; index++) queue.push(line(`line ${index} ${'x'.repeat(90)}`));
  queue.end();
  let chunks = 0;
  for await (const chunk of queue.drain()) chunks += chunk.length > 0 ? 1 : 0;
  expect(chunks).toBeLessThan(5);
});

test('a reader who lets 16 MiB wait is cut off; a long beginning is not held against it', async () => {
  const megabyte = Buffer.alloc(1_048_576, 97);
  const patient = new EventQueue();
  for (let index = 0; index < 30; index++) patient.pushBacklog(() => megabyte);
  patient.end();
  expect((await read(patient)).length).toBe(30 * megabyte.length);
  let cut = 0;
  const slow = new EventQueue(() => cut++);
  for (let index = 0; index < 30; index++) slow.push(megabyte);
  expect((await read(slow)).length).toBeLessThan(16 * megabyte.length);
  expect(cut).toBe(1);
});
