import { expect, test } from 'vitest';
import { parseMainOptions } from './main-options.ts';

const problems = (args: readonly string[], env: Record<string, string> = {}) => {
  const parsed = parseMainOptions(args, env);
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
};

test('without arguments it runs, with a lease, listening on any loopback port', () => {
  expect(parseMainOptions([], {})).toEqual({
    ok: true,
    value: {
      command: 'run',
      leaderElection: true,
      applyDefinitions: false,
      listen: { host: '127.0.0.1', port: 0 },
      logLevel: 'info',
    },
  });
});

test('flags win over the environment, and an empty variable counts as none', () => {
  const env = { WATCH_NAMESPACE: 'a', POD_NAMESPACE: '', LISTEN: '[::1]:8081', LOG_LEVEL: 'warn' };
  const parsed = parseMainOptions(['run', '--namespace', 'b', '--no-leader-election'], env);
  expect(parsed).toMatchObject({
    value: { namespace: 'b', leaderElection: false, listen: { host: '::1', port: 8081 }, logLevel: 'warn' },
  });
  expect(parsed.ok && 'leaseNamespace' in parsed.value).toBe(false);
});

test('everything wrong is told at once', () => {
  expect(problems(['--listen', 'nowhere', '--log-level', 'loud'])).toEqual([
    '--log-level: must be one of debug, info, warn, error, silent',
    '--listen: must read HOST:PORT, such as 127.0.0.1:8081',
  ]);
});

test('a mistyped command or flag is named', () => {
  expect(problems(['manifest'])).toEqual(['manifest: there is no such command; did you mean "manifests"?']);
  expect(problems(['--kubecfg', 'x'])[0]).toContain('--kubecfg');
  expect(problems(['chart'])).toEqual(['chart: name one directory: chart DIRECTORY']);
});
