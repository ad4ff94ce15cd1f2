import { expect, test } from 'vitest';
import type { CheckReport } from '@sluice/model';
import { Secret } from '@sluice/runtime';
import { createGithubForge } from './github-forge.ts';
import { createRequestBudget, pointsOf } from './request-budget.ts';
import { makeTestApp, startGithubStandIn } from './testing.ts';

/** A clock that goes on only when somebody waits. */
function makeClock() {
  let ms = 0;
  return { now: () => ms, sleep: async (wait: number) => void (ms += wait) };
}

test('no minute holds more points than the budget', async () => {
  const clock = makeClock();
  const budget = createRequestBudget({ ...clock, pointsPerMinute: 20 });
  const spent: number[] = [];
  await Promise.all(
    Array.from({ length: 30 }, async () => {
      await budget.take(5);
      spent.push(clock.now());
    }),
  );
  for (const at of spent) {
    expect(spent.filter((each) => each >= at && each < at + 60_000).length).toBeLessThanOrEqual(4);
  }
  expect(clock.now()).toBe(60_000 * 7);
});

test('a wait that is broken off lets the next one through', async () => {
  const clock = makeClock();
  const sleep = async (ms: number, signal: AbortSignal | undefined) => (signal?.throwIfAborted(), clock.sleep(ms));
  const budget = createRequestBudget({ now: clock.now, sleep, pointsPerMinute: 5 });
  await budget.take(5);
  await expect(budget.take(5, AbortSignal.abort())).rejects.toThrow('aborted');
  await budget.take(5);
  expect(clock.now()).toBe(60_000);
});

test('a hundred pipelines on one commit stay under 900 points a minute and end with their last state', async () => {
  const app = makeTestApp();
  const github = await startGithubStandIn({ app });
  const clock = makeClock();
  const requests: { readonly at: number; readonly points: number }[] = [];
  const inner = createRequestBudget(clock);
  const budget = {
    async take(points: number, signal?: AbortSignal) {
      await inner.take(points, signal);
      requests.push({ at: clock.now(), points });
    },
  };
  const sha = 'a'.repeat(40);
  github.addRepository({ fullName: 'octo/hello' });
  await github.push('octo/hello', { ref: 'refs/heads/main', after: sha });
  const auth = { kind: 'app', appId: app.appId, privateKey: new Secret(app.privateKey) } as const;
  const forge = createGithubForge({ apiUrl: github.url, repository: 'octo/hello', auth, paced: false, budget });
  const states: Pick<CheckReport, 'status' | 'conclusion'>[] = [
    { status: 'queued' },
    { status: 'in_progress' },
    { status: 'completed', conclusion: 'success' },
  ];
  const report = (i: number, state: (typeof states)[number]): CheckReport => {
    return { name: `p${i}`, externalId: `u${i}`, sha, title: 't', summary: 's', ...state };
  };
  const signal = new AbortController().signal;
  for (const state of states) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => forge.upsertCheck(report(i, state), signal)));
  }
  const runs = [...(github.state.repositories.get('octo/hello')?.checkRuns.values() ?? [])];
  expect(runs.map(({ conclusion }) => conclusion)).toEqual(Array.from({ length: 100 }, () => 'success'));
  const inMinuteFrom = (from: number): number =>
    requests.filter(({ at }) => at >= from && at < from + 60_000).reduce((sum, { points }) => sum + points, 0);
  expect(Math.max(...requests.map(({ at }) => inMinuteFrom(at)))).toBeLessThan(900);
  expect(requests.reduce((sum, { points }) => sum + points, 0)).toBeGreaterThan(1_500);
  expect(github.violations).toEqual([]);
  await github.close();
});

test('reading costs one point, writing five', () => {
  expect([pointsOf('GET'), pointsOf('PATCH'), pointsOf('post')]).toEqual([1, 5, 5]);
});
