import assert from 'node:assert/strict';
import { type Result, TerminalError } from '@sluice/model';
import type { Handler, Queue, Queues, QueueWorker, WorkOptions } from './queue.ts';

/** What the contract needs of an implementation. */
export type QueueContractEnvironment = {
  /** Queues over the same storage on each call; `kill` ends them as a killed process does. */
  open(): Promise<Queues & { kill(): void }>;
};

/** One claim that every implementation keeps. */
export type QueueContractCase = {
  readonly name: string;
  readonly run: (environment: QueueContractEnvironment) => Promise<void>;
};

type Job = { readonly n: number };

function parseJob(data: unknown): Result<Job> {
  const n = (data as Partial<Job> | null)?.n;
  if (typeof n === 'number') return { ok: true, value: { n } };
  return { ok: false, problems: [{ code: 'NotAJob', message: 'n is not a number', severity: 'error' }] };
}

const fast = { concurrency: 4, backoffMs: 1 } as const;

/** Runs jobs, remembers them, and can wait until so many were begun. */
function recorder(act: (job: Job, attempt: number) => Promise<void> | void = () => {}) {
  const begun: { n: number; attempt: number; id: string }[] = [];
  let waiting: { count: number; resolve: () => void } | undefined;
  const handler: Handler<Job> = async (job, { id, attempt }) => {
    begun.push({ n: job.n, attempt, id });
    if (waiting && begun.length >= waiting.count) waiting.resolve();
    await act(job, attempt);
  };
  const reached = (count: number): Promise<void> =>
    new Promise((resolve) => {
      waiting = { count, resolve };
      if (begun.length >= count) resolve();
    });
  return { begun, handler, reached };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'it did not come about within 15 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function inState(queue: Queue<Job>, id: string, state: string): Promise<void> {
  await until(async () => (await queue.get(id))?.state === state);
}

type Opened = {
  readonly queue: Queue<Job>;
  readonly environment: QueueContractEnvironment;
  readonly queues: Queues & { kill(): void };
  readonly work: (handler: Handler<Job>, options?: WorkOptions) => QueueWorker;
};

function claim(name: string, check: (opened: Opened) => Promise<void>): QueueContractCase {
  return {
    name,
    async run(environment) {
      const queues = await environment.open();
      try {
        const queue = queues.queue('jobs', parseJob);
        const work = (handler: Handler<Job>, options: WorkOptions = fast): QueueWorker => queue.work(handler, options);
        await check({ queue, environment, queues, work });
      } finally {
        await queues.close().catch(() => {});
      }
    },
  };
}

/** The claims. Each needs storage of its own. */
export const queueContract: readonly QueueContractCase[] = [
  claim('a job that was added is run once', async ({ queue, work }) => {
    const { begun, handler } = recorder();
    assert.equal(await queue.add({ n: 1 }, { id: 'a' }), 'added');
    work(handler);
    await inState(queue, 'a', 'done');
    assert.deepEqual(begun, [{ n: 1, attempt: 1, id: 'a' }]);
  }),

  claim(
    'an id is taken while its job waits, after it was done, and in both of two adds at once',
    async ({ queue, work }) => {
      const { begun, handler } = recorder();
      const both = await Promise.all([queue.add({ n: 1 }, { id: 'a' }), queue.add({ n: 2 }, { id: 'a' })]);
      assert.deepEqual(both.toSorted(), ['added', 'duplicate']);
      assert.equal(await queue.add({ n: 3 }, { id: 'a' }), 'duplicate');
      work(handler);
      await inState(queue, 'a', 'done');
      assert.equal(await queue.add({ n: 4 }, { id: 'a' }), 'duplicate');
      assert.equal(begun.length, 1);
    },
  ),

  claim('an id that is a number, or long, or holds a slash, is as good as any', async ({ queue, work }) => {
    const { handler } = recorder();
    const ids = ['42', 'x'.repeat(200), 'team/app@abc'];
    for (const id of ids) assert.equal(await queue.add({ n: 1 }, { id }), 'added');
    work(handler);
    for (const id of ids) await inState(queue, id, 'done');
  }),

  claim('ids and keys with a colon are refused', async ({ queue }) => {
    await assert.rejects(queue.add({ n: 1 }, { id: 'a:b' }), RangeError);
    await assert.rejects(queue.add({ n: 1 }, { id: 'a', key: 'k:1' }), RangeError);
    await assert.rejects(queue.add({ n: 1 }, { id: '' }), RangeError);
  }),

  claim('jobs of one key run one at a time and in order, while others go on', async ({ queue, work }) => {
    let running = 0;
    const gate = Promise.withResolvers<void>();
    const { begun, handler } = recorder(async ({ n }) => {
      if (n === 100) return;
      assert.equal(++running, 1);
      if (n === 0) await gate.promise;
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
    });
    for (let n = 0; n < 6; n++) await queue.add({ n }, { id: `k${n}`, key: 'k' });
    await queue.add({ n: 100 }, { id: 'other' });
    work(handler);
    await inState(queue, 'other', 'done');
    gate.resolve();
    await inState(queue, 'k5', 'done');
    assert.deepEqual(
      begun.map(({ n }) => n).filter((n) => n < 100),
      [0, 1, 2, 3, 4, 5],
    );
  }),

  claim('a job that is tried again keeps its place in its key', async ({ queue, work }) => {
    const { begun, handler } = recorder(({ n }, attempt) => {
      if (n === 1 && attempt < 3) throw new Error('not yet');
    });
    await queue.add({ n: 1 }, { id: 'a', key: 'k' });
    await queue.add({ n: 2 }, { id: 'b', key: 'k' });
    work(handler);
    await inState(queue, 'b', 'done');
    assert.deepEqual(begun.map(({ n, attempt }) => [n, attempt]), [[1, 1], [1, 2], [1, 3], [2, 1]]); // prettier-ignore
  }),

  claim('a job whose attempts are used up becomes a dead letter, which can be replayed', async ({ queue, work }) => {
    let mended = false;
    const { begun, handler } = recorder(() => {
      if (!mended) throw new Error('broken');
    });
    await queue.add({ n: 7 }, { id: 'a', key: 'k' });
    await queue.add({ n: 8 }, { id: 'b', key: 'k' });
    work(handler, { ...fast, attempts: 3 });
    await inState(queue, 'b', 'dead');
    const letters = await queue.deadLetters();
    assert.deepEqual(letters.map(({ id, job, attempts }) => [id, job?.n, attempts]), [['a', 7, 3], ['b', 8, 3]]); // prettier-ignore
    assert.match(letters[0]?.error ?? '', /broken/);
    assert.equal(await queue.add({ n: 7 }, { id: 'a' }), 'duplicate');
    assert.equal(await queue.replay('nosuch'), false);
    mended = true;
    assert.equal(await queue.replay('a'), true);
    await inState(queue, 'a', 'done');
    assert.equal(begun.at(-1)?.attempt, 1);
    assert.deepEqual((await queue.deadLetters()).map(({ id }) => id), ['b']); // prettier-ignore
    assert.equal(await queue.get('a').then((status) => status?.attempts), 1);
  }),

  claim('a terminal error makes a dead letter without further attempts', async ({ queue, work }) => {
    const { begun, handler } = recorder(() => {
      throw new TerminalError('Bad', 'never');
    });
    await queue.add({ n: 1 }, { id: 'a' });
    work(handler);
    await inState(queue, 'a', 'dead');
    assert.equal(begun.length, 1);
  }),

  claim('a job that cannot be read becomes a dead letter that shows its content', async ({ queue, work }) => {
    const { begun, handler } = recorder();
    await queue.add({ m: 1 } as unknown as Job, { id: 'a' });
    work(handler);
    await inState(queue, 'a', 'dead');
    const [letter] = await queue.deadLetters();
    assert.deepEqual(letter?.data, { m: 1 });
    assert.equal(letter?.job, undefined);
    assert.match(letter?.error ?? '', /n is not a number/);
    assert.equal(begun.length, 0);
  }),

  claim('a delayed job runs after its time and does not hold up its key', async ({ queue, work }) => {
    const { begun, handler } = recorder();
    const addedAt = Date.now();
    let ranAfterMs = 0;
    await queue.add({ n: 1 }, { id: 'late', key: 'k', delayMs: 300 });
    await queue.add({ n: 2 }, { id: 'soon', key: 'k' });
    work(async (job, context) => {
      if (job.n === 1) ranAfterMs = Date.now() - addedAt;
      await handler(job, context);
    });
    await inState(queue, 'late', 'done');
    assert.deepEqual(begun.map(({ n }) => n), [2, 1]); // prettier-ignore
    assert.ok(ranAfterMs >= 295, `it ran after ${ranAfterMs} ms`);
  }),

  claim('no more jobs run at once than asked for', async ({ queue, work }) => {
    let running = 0;
    let most = 0;
    const { handler } = recorder(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
    });
    for (let n = 0; n < 12; n++) await queue.add({ n }, { id: `j${n}` });
    work(handler, { concurrency: 3 });
    for (let n = 0; n < 12; n++) await inState(queue, `j${n}`, 'done');
    assert.ok(most <= 3 && most >= 2, `${most} at once`);
  }),

  claim('close lets running jobs end and takes no more', async ({ queue, work }) => {
    const gate = Promise.withResolvers<void>();
    const { begun, handler, reached } = recorder(() => gate.promise);
    const worker = work(handler, { concurrency: 1 });
    await queue.add({ n: 1 }, { id: 'a' });
    await queue.add({ n: 2 }, { id: 'b' });
    await reached(1);
    const closed = worker.close();
    gate.resolve();
    await closed;
    assert.equal((await queue.get('a'))?.state, 'done');
    assert.equal((await queue.get('b'))?.state, 'waiting');
    assert.equal(begun.length, 1);
  }),

  claim('close aborts jobs that do not end in time', async ({ queue, work }) => {
    const aborted = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const worker = work(
      (_job, { signal }) =>
        new Promise((_, reject) => {
          started.resolve();
          signal.addEventListener('abort', () => {
            aborted.resolve();
            reject(new Error('aborted'));
          });
        }),
      { concurrency: 1, drainMs: 20 },
    );
    await queue.add({ n: 1 }, { id: 'a' });
    await started.promise;
    await worker.close();
    await aborted.promise;
    assert.notEqual((await queue.get('a'))?.state, 'done');
  }),

  claim(
    'what was waiting or running when the process was killed runs in the next one',
    async ({ queue, queues, environment, work }) => {
      const first = recorder(() => new Promise(() => {}));
      work(first.handler, { concurrency: 1 });
      await queue.add({ n: 1 }, { id: 'a', key: 'k' });
      await queue.add({ n: 2 }, { id: 'b', key: 'k' });
      await first.reached(1);
      queues.kill();
      const next = await environment.open();
      try {
        const again = next.queue('jobs', parseJob);
        const second = recorder();
        again.work(second.handler, fast);
        await inState(again, 'b', 'done');
        assert.deepEqual(second.begun.map(({ n, attempt }) => [n, attempt]), [[1, 1], [2, 1]]); // prettier-ignore
        assert.equal(await again.add({ n: 1 }, { id: 'a' }), 'duplicate');
      } finally {
        await next.close();
      }
    },
  ),

  claim(
    'an alias belongs to one job: another that claims it is refused, the same one is a duplicate',
    async ({ queue }) => {
      assert.equal(await queue.add({ n: 1 }, { id: 'a', alias: 'x' }), 'added');
      assert.equal(await queue.add({ n: 2 }, { id: 'b', alias: 'x' }), 'conflict');
      assert.equal(await queue.add({ n: 1 }, { id: 'a', alias: 'y' }), 'duplicate');
      assert.equal(await queue.get('b'), undefined);
      const both = await Promise.all(['c', 'd'].map((id) => queue.add({ n: 3 }, { id, alias: 'z' })));
      assert.deepEqual(both.toSorted(), ['added', 'conflict']);
    },
  ),

  claim('the log shows every job with its content, and a done one can be run again', async ({ queue, work }) => {
    const { begun, handler } = recorder(({ n }) => {
      if (n === 2) throw new TerminalError('No', 'not this one');
    });
    await queue.add({ n: 1 }, { id: 'a' });
    await queue.add({ n: 2 }, { id: 'b' });
    const waiting = await queue.list(10);
    assert.deepEqual(waiting.map(({ id, state }) => `${id} ${state}`).toSorted(), ['a waiting', 'b waiting']);
    work(handler);
    await inState(queue, 'a', 'done');
    await inState(queue, 'b', 'dead');
    const ended = await queue.list(10);
    assert.deepEqual(ended.map(({ id, state, job }) => [id, state, job?.n]), [['b', 'dead', 2], ['a', 'done', 1]]); // prettier-ignore
    assert.match((await queue.show('b'))?.error ?? '', /not this one/);
    assert.equal(await queue.show('c'), undefined);
    assert.equal(await queue.replay('a'), true);
    await until(async () => begun.filter(({ id }) => id === 'a').length === 2);
    await inState(queue, 'a', 'done');
    assert.equal((await queue.list(10)).length, 2);
  }),

  claim('queues of other names know nothing of each other', async ({ queue, queues }) => {
    const other = queues.queue('others', parseJob);
    await queue.add({ n: 1 }, { id: 'a' });
    assert.equal(await other.get('a'), undefined);
    assert.equal(await other.add({ n: 1 }, { id: 'a' }), 'added');
    assert.throws(() => queues.queue('jobs', parseJob), /open already/);
    assert.throws(() => queues.queue('No:Name', parseJob), RangeError);
  }),
];
