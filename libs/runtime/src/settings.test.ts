import { expect, test } from 'vitest';
import {
  addressSetting,
  choiceSetting,
  integerSetting,
  listSetting,
  readSettings,
  requiredSetting,
  settingsUsage,
  switchSetting,
  textSetting,
} from './settings.ts';

const settings = {
  kubeconfig: textSetting({ env: 'KUBECONFIG', placeholder: 'FILE', help: 'cluster to work on' }),
  redisUrl: requiredSetting({
    env: 'REDIS_URL',
    placeholder: 'URL',
    help: 'the shared queue',
    pattern: /^rediss?:/,
    wanted: 'a URL like redis://host:6379',
  }),
  workers: integerSetting({ env: 'SLUICE_WORKERS', help: 'at a time', fallback: 4, least: 1, most: 8 }),
  outputs: choiceSetting({ env: 'SLUICE_OUTPUTS', help: 'how', choices: ['auto', 'native'], fallback: 'auto' }),
  originLabels: switchSetting({ env: 'SLUICE_LABELS', help: 'label objects' }),
  privateHosts: listSetting({ env: 'SLUICE_HOSTS', placeholder: 'HOST,…', help: 'hosts' }),
};

test('flags win over the environment, and the rest has defaults', () => {
  const env = { REDIS_URL: 'redis://a', SLUICE_WORKERS: '9', KUBECONFIG: '', SLUICE_HOSTS: 'a, b,' };
  expect(readSettings(settings, ['--workers=2', '--origin-labels', '--outputs', 'native'], env)).toEqual({
    ok: true,
    value: {
      kubeconfig: undefined,
      redisUrl: 'redis://a',
      workers: 2,
      outputs: 'native',
      originLabels: true,
      privateHosts: ['a', 'b'],
    },
  });
});

test('every problem is told at once, with flag, variable and what would be right', () => {
  const env = { REDIS_URL: 'http://a', SLUICE_WORKERS: '9', SLUICE_LABELS: 'yes' };
  expect(readSettings(settings, ['--outputs', 'none'], env)).toEqual({
    ok: false,
    problems: [
      '--redis-url (REDIS_URL): "http://a" is not a URL like redis://host:6379',
      '--workers (SLUICE_WORKERS): "9" is not a whole number from 1 to 8',
      '--outputs (SLUICE_OUTPUTS): "none" is none of auto, native',
      '--origin-labels (SLUICE_LABELS): "yes" is neither true nor false',
    ],
  });
});

test('an unknown flag is named', () => {
  expect(readSettings(settings, ['--wrokers=2'], { REDIS_URL: 'redis://a' })).toMatchObject({
    ok: false,
    problems: [expect.stringContaining('--wrokers')],
  });
});

test('the usage has a line for each', () => {
  expect(settingsUsage(settings).split('\n').slice(0, 3)).toEqual([
    '  --kubeconfig FILE       cluster to work on [KUBECONFIG]',
    '  --redis-url URL         the shared queue [REDIS_URL]',
    '  --workers N             at a time (default 4) [SLUICE_WORKERS]',
  ]);
});

test.for([
  { text: '127.0.0.1:9090', want: { value: { host: '127.0.0.1', port: 9090 } } },
  { text: '[::1]:0', want: { value: { host: '::1', port: 0 } } },
  { text: '9090', want: { wrong: '"9090" is not an address like 127.0.0.1:9090' } },
  { text: 'localhost:99999', want: { wrong: '"localhost:99999" is not an address like 127.0.0.1:9090' } },
])('the address $text', ({ text, want }) => {
  expect(addressSetting({ env: 'A', help: '' }).read(text)).toEqual(want);
});
