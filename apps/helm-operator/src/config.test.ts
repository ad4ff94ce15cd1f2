import { readSettings } from '@sluice/runtime';
import { expect, test } from 'vitest';
import { helmOperatorConfig, helmOperatorSettings } from './config.ts';

test('settings become the configuration of the operator', () => {
  const args = ['--data', '/d', '--override-managers', 'kubectl-edit, kubectl', '--shutdown-seconds', '600'];
  const read = readSettings(helmOperatorSettings, [...args, '--metrics', '[::1]:9090'], {});
  if (!read.ok) throw new Error(read.problems.join());
  expect(helmOperatorConfig(read.value)).toEqual({
    concurrency: 8,
    shutdownMs: 600_000,
    overrideManagers: ['kubectl-edit', 'kubectl'],
  });
  expect(read.value.metrics).toEqual({ host: '::1', port: 9090 });
});

test('an address without a host or with too high a port is refused by the name of the flag', () => {
  for (const address of ['9090', '127.0.0.1:70000']) {
    const read = readSettings(helmOperatorSettings, ['--data', '/d', '--metrics', address], {});
    expect(read).toMatchObject({ ok: false, problems: [expect.stringContaining('--metrics') as string] });
  }
});
