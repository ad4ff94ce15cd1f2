import { expect, test } from 'vitest';
import { parseConfig } from './config.ts';

test('flags win over the environment, and everything has a default but the data directory', () => {
  expect(parseConfig(['--data', '/d', '--concurrency', '2'], { SLUICE_HELM_CONCURRENCY: '3' })).toEqual({
    ok: true,
    value: { dataDirectory: '/d', concurrency: 2, shutdownMs: 30_000, logLevel: 'info' },
  });
  const more = ['--override-managers', 'kubectl-edit, kubectl', '--shutdown-seconds', '600', '--metrics', '[::1]:9090'];
  expect(parseConfig(['--data', '/d', '--origin-labels', ...more], {})).toMatchObject({
    value: {
      originLabels: true,
      overrideManagers: ['kubectl-edit', 'kubectl'],
      shutdownMs: 600_000,
      metrics: { host: '::1', port: 9090 },
    },
  });
});

test('every mistake is told at once, by the name of its flag', () => {
  const parsed = parseConfig(['--concurrency', '0', '--shutdown-seconds', 'x', '--metrics', '9090'], {
    SLUICE_LOG_LEVEL: 'loud',
  });
  expect(parsed.ok ? [] : parsed.problems.map(({ path }) => path)).toEqual([
    '--data',
    '--concurrency',
    '--shutdown-seconds',
    '--metrics',
    '--log-level',
  ]);
  expect(parseConfig(['--unknown'], {}).ok).toBe(false);
});
