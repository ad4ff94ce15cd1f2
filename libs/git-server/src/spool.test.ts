import fc from 'fast-check';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chainUpdates, readSpool, removeSpool, type SpooledUpdate, spoolName, zeroId } from './spool.ts';

const id = (n: number): string => String(n).repeat(40);
const update = (before: string, after: string, ref = 'refs/heads/main'): SpooledUpdate => ({
  ref,
  before,
  after,
  pusher: 'ada',
});

test('updates come back in the order in which they happened, however the files were sorted', () => {
  const walk = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(walk, fc.infiniteStream(fc.nat(1_000)), (steps, randoms) => {
      const happened: SpooledUpdate[] = [];
      let at = zeroId;
      for (const step of steps) {
        if (id(step) !== at) happened.push(update(at, id(step)));
        at = id(step);
      }
      const sortKey = new Map(happened.map((one) => [one, randoms.next().value]));
      const shuffled = [...happened].sort((a, b) => Number(sortKey.get(a)) - Number(sortKey.get(b)));
      const chained = chainUpdates(new Map(), shuffled);
      // A walk with circles may be walked another way round, but with the same steps and the same end.
      expect(chained.map(({ before }) => before)).toEqual([zeroId, ...chained.slice(0, -1).map(({ after }) => after)]);
      expect([...chained].sort(bySteps)).toEqual([...happened].sort(bySteps));
    }),
  );
});

function bySteps(a: SpooledUpdate, b: SpooledUpdate): number {
  return `${a.before}${a.after}` < `${b.before}${b.after}` ? -1 : 1;
}

test('going back and forth keeps every step', () => {
  const there = update(id(1), id(2));
  const back = update(id(2), id(1));
  const known = new Map([['refs/heads/main', id(1)]]);
  expect(chainUpdates(known, [there, there, back])).toEqual([there, back, there]);
});

test('what is counted already is dropped, what starts from nowhere is kept', () => {
  const known = new Map([['refs/heads/main', id(2)]]);
  expect(chainUpdates(known, [update(id(1), id(2))])).toEqual([]);
  expect(chainUpdates(known, [update(id(7), id(8))])).toEqual([update(id(7), id(8))]);
});

test('refs do not disturb each other', () => {
  const side = update(zeroId, id(5), 'refs/heads/side');
  expect(chainUpdates(new Map(), [update(id(1), id(2)), side, update(zeroId, id(1))])).toEqual([
    update(zeroId, id(1)),
    update(id(1), id(2)),
    side,
  ]);
});

test('files are read oldest first with odd ref names; half-written and foreign ones are left alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-spool-'));
  try {
    const put = async (name: string, text: string, at: number): Promise<void> => {
      await writeFile(join(directory, name), text);
      await utimes(join(directory, name), at, at);
    };
    await put(`${spoolName('ada', 'b')}.push`, `${id(1)} ${id(2)} refs/heads/x";$(id)'\n`, 20);
    await put(`${spoolName('grace', 'a')}.push`, `${zeroId} ${id(1)} refs/heads/ü\nrubbish\n`, 10);
    await put(`${spoolName('ada', 'c')}.part`, `${id(1)} ${id(2)} refs/heads/y\n`, 5);
    await put('README', 'x', 1);
    const files = await readSpool(directory);
    expect(files.flatMap(({ updates }) => updates)).toEqual([
      { ref: 'refs/heads/ü', before: zeroId, after: id(1), pusher: 'grace' },
      { ref: `refs/heads/x";$(id)'`, before: id(1), after: id(2), pusher: 'ada' },
    ]);
    await removeSpool(files);
    expect(await readSpool(directory)).toEqual([]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
