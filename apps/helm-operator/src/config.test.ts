import { readSettings } from '@sluice/runtime';
import { expect, test } from 'vitest';
import { helmOperatorConfig, helmOperatorSettings } from './config.ts';

test('settings become the configuration of the operator', () => {
  const args = ['--data', '/d', '--override-managers', 'kubectl-edit, kubectl', '--shutdown-seconds', '600'];
  const read = readSettings(helmOperatorSettings, args, {});
  if (!read.ok) throw new Error(read.problems.join());
  expect(helmOperatorConfig(read.value)).toEqual({
    concurrency: 8,
    shutdownMs: 600_000,
    overrideManagers: ['kubectl-edit', 'kubectl'],
  });
});
