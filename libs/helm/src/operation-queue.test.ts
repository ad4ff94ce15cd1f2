import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OperationQueue } from './operation-queue.ts';

function job(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const work = async (): Promise<void> => {
    log.push(`${name} starts`);
    await promise;
    log.push(`${name} ends`);
  };
  return { work, finish: resolve, fail: reject };
}

test('operations on one release run one after the other, on two releases side by side', async () => {
  const queue = new OperationQueue(4);
  const log: string[] = [];
  const [a1, a2, b] = [job(log, 'a1'), job(log, 'a2'), job(log, 'b')];
  const all = [
    queue.run('a', undefined, a1.work),
    queue.run('a', undefined, a2.work),
    queue.run('b', undefined, b.work),
  ];
  await turn();
  expect(log).toEqual(['a1 starts', 'b starts']);
  a1.finish();
  await turn();
  expect(log).toEqual(['a1 starts', 'b starts', 'a1 ends', 'a2 starts']);
  a2.finish();
  b.finish();
  await Promise.all(all);
});

test('no more than the allowed number run at a time', async () => {
  const queue = new OperationQueue(2);
  const log: string[] = [];
  const jobs = ['a', 'b', 'c'].map((name) => ({ name, ...job(log, name) }));
  const all = jobs.map(({ name, work }) => queue.run(name, undefined, work));
  await turn();
  expect(log).toEqual(['a starts', 'b starts']);
  jobs[1]?.finish();
  await turn();
  expect(log).toEqual(['a starts', 'b starts', 'b ends', 'c starts']);
  for (const { finish } of jobs) finish();
  await Promise.all(all);
  await queue.idle();
});

test('a failure does not hold up the next, and one that is aborted while waiting never starts', async () => {
  const queue = new OperationQueue(1);
  const log: string[] = [];
  const [first, second, third] = [job(log, 'first'), job(log, 'second'), job(log, 'third')];
  const abort = new AbortController();
  const one = queue.run('a', undefined, first.work);
  const two = queue.run('a', abort.signal, second.work);
  const three = queue.run('a', undefined, third.work);
  abort.abort(new Error('superseded'));
  first.fail(new Error('broken'));
  third.finish();
  await expect(one).rejects.toThrow('broken');
  await expect(two).rejects.toThrow('superseded');
  await three;
  expect(log).toEqual(['first starts', 'third starts', 'third ends']);
});
