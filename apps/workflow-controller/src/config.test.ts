import { expect, test } from 'vitest';
import { parseConfig } from './config.ts';

test('flags win over the environment, and the rest has defaults', () => {
  const parsed = parseConfig(['--workers=4', '--namespace', 'ci'], {
    SLUICE_WORKERS: '9',
    SLUICE_OUTPUTS: 'wrapper',
    KUBECONFIG: '/k',
  });
  expect(parsed).toMatchObject({
    ok: true,
    value: { kubeconfig: '/k', controller: { workers: 4, namespace: 'ci', outputs: 'wrapper', coalesceMs: 100 } },
  });
});

test('every problem is reported at once', () => {
  const parsed = parseConfig(['--workers', 'many', '--outputs=none', '--what'], {});
  expect(parsed).toEqual({
    ok: false,
    problems: [
      expect.stringContaining('--what'),
      expect.stringContaining('--workers'),
      expect.stringContaining('--outputs'),
    ],
  });
});
