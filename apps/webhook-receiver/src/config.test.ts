import { expect, test } from 'vitest';
import { parseConfig } from './config.ts';

test('the environment is enough, flags win', () => {
  const result = parseConfig(['--port', '0', '--host=127.0.0.1'], { REDIS_URL: 'redis://r:6379', PORT: '99' });
  expect(result).toMatchObject({ ok: true, value: { receiver: { host: '127.0.0.1', port: 0 }, logLevel: 'info' } });
});

test('everything wrong is reported at once', () => {
  const result = parseConfig(['--port', 'x', '--log-level=loud'], { REDIS_URL: 'http://r' });
  const paths = result.ok ? [] : result.problems.map(({ path }) => path);
  expect(paths).toEqual(['--port or PORT', 'REDIS_URL', '--log-level or LOG_LEVEL']);
});

test('an unknown flag is named', () => {
  expect(parseConfig(['--prot=1'], { REDIS_URL: 'redis://r' })).toMatchObject({
    ok: false,
    problems: [{ path: 'arguments', message: expect.stringContaining('--prot') }],
  });
});
