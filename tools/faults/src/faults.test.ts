import { fileURLToPath } from 'node:url';
import { runCommand } from '@sluice/runtime';
import { expect, test } from 'vitest';
import { checksOf } from './checks.ts';
import type { ScenarioResult } from './scenario.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const limitMs = 120_000;

/** The suite in a process of its own, because it takes over the clocks; stopped when it does not end. */
async function faults(...args: string[]): Promise<{ code: number; lines: readonly string[] }> {
  const options = { env: {}, timeoutMs: limitMs, maxBytes: 1 << 20 };
  const { code, stdout, stderr } = await runCommand(
    process.execPath,
    ['--conditions=@sluice/source', main, ...args],
    options,
  );
  return { code, lines: [...stdout.toString().trim().split('\n'), ...stderr.split('\n').filter(Boolean)] };
}

test(
  'controllers behind a faulty network converge with one owner, no event missed and few requests, the same every time',
  { timeout: 2 * limitMs },
  async () => {
    const args = ['--parts', 'self,simulated', '--seeds', '2', '--from', '7', '--minutes', '4'];
    const first = await faults(...args);
    expect(first.lines.filter((line) => !line.startsWith('seed'))).toEqual([
      expect.stringMatching(/^at worst [0-2]\.\d\d times/),
      '9 passed, 0 failed',
    ]);
    expect(first.code).toBe(0);
    expect(first.lines[0]).toMatch(/^seed 7: \d+ changes, \d{3,} faults, .* sha256 [0-9a-f]{64}$/);
    expect(await faults(...args)).toEqual(first);
  },
);

test(
  'so do real processes over broken connections, stopped for longer than their lease',
  { timeout: limitMs },
  async () => {
    const { code, lines } = await faults('--parts', 'sockets', '--minutes', '6');
    expect(lines.at(-1)).toBe('1 passed, 0 failed');
    expect(code).toBe(0);
  },
);

test('wrong arguments are refused with how to use it', async () => {
  const { code, lines } = await faults('--parts', 'weather');
  expect({ code, said: lines.join('\n') }).toEqual({
    code: 2,
    said: expect.stringContaining('usage: npm run test:faults'),
  });
});

const fine: ScenarioResult = {
  unconverged: [],
  offences: [],
  missed: [],
  transitions: 0,
  requests: 100,
  writes: 50,
  changes: 10,
  faults: new Map(),
  trace: '',
};
const cases: { name: string; stormy: Partial<ScenarioResult>; want: string[] }[] = [
  { name: 'three times the requests', stormy: { requests: 300 }, want: [] },
  { name: 'more than that', stormy: { requests: 301 }, want: ['301 requests, more than 300'] },
  { name: 'an object that is not as it should be', stormy: { unconverged: ['a'] }, want: ['a'] },
  { name: 'a write of somebody who did not lead', stormy: { offences: ['b'] }, want: ['b'] },
  { name: 'an event that never came', stormy: { missed: ['c'] }, want: ['c'] },
];
test.for(cases)('the verdict on $name', ({ stormy, want }) => {
  expect(checksOf(fine, { ...fine, ...stormy }).flatMap(({ problems }) => problems)).toEqual(want);
});
