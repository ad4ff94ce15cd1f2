import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { DemoSummary } from '@sluice/local';
import { sluice } from './cluster.ts';

const hasBubblewrap = spawnSync('bwrap', ['--ro-bind', '/', '/', 'true']).status === 0;

describe('the demo', () => {
  test('plays its whole story without isolation', { timeout: 120_000 }, async () => {
    expectWholeStory(await play('process'));
  });

  test.skipIf(!hasBubblewrap)('plays its whole story in sandboxes (needs bwrap)', { timeout: 120_000 }, async () => {
    expectWholeStory(await play('sandbox'));
  });
});

async function play(runtime: string): Promise<DemoSummary> {
  const { code, out, err } = await sluice(['demo', '--exit', '--output', 'json', '--runtime', runtime]);
  const summary = JSON.parse(out || '{}') as DemoSummary;
  expect(summary.error, err.slice(-2_000)).toBeUndefined();
  expect({ code, ok: summary.ok }).toEqual({ code: 0, ok: true });
  return summary;
}

function expectWholeStory(summary: DemoSummary): void {
  expect(summary.runs.map((run) => run.phase)).toEqual(['Succeeded', 'Failed', 'Succeeded', 'Succeeded', 'Succeeded']);
  const conclusions = summary.runs.map((run) =>
    Object.fromEntries(run.checks.map((check) => [check.name, check.conclusion])),
  );
  expect(conclusions).toEqual([
    { ci: 'success', 'deploy staging': 'success' },
    { ci: 'failure' },
    { ci: 'success' },
    { ci: 'success', 'deploy staging': 'success' },
    { ci: 'success', 'deploy staging': 'failure' },
  ]);
  expect(summary.releases.map(({ revision, status }) => ({ revision, status }))).toEqual([
    { revision: 1, status: 'superseded' },
    { revision: 2, status: 'superseded' },
    { revision: 3, status: 'failed' },
    { revision: 4, status: 'deployed' },
  ]);
  const [, second, third, fourth] = summary.releases;
  expect(fourth?.imageDigest).toBe(second?.imageDigest);
  expect(fourth?.chartDigest).toBe(second?.chartDigest);
  expect(third?.imageDigest).not.toBe(second?.imageDigest);
  for (const release of summary.releases) {
    expect(release.chartDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(release.imageDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
  }
}
