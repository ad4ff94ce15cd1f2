import { expect, test } from 'vitest';
import { CommandStopped, runCommand } from './run-command.ts';

const node = process.execPath;
const options = { env: {}, timeoutMs: 10_000, maxBytes: 1_000_000 };
const stoppedKind = async (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => 'ended',
    (error: unknown) => (error instanceof CommandStopped ? error.kind : String(error)),
  );

test('input, output and exit code pass through, the environment does not', async () => {
  const script =
    'process.stdin.pipe(process.stdout); console.error(Object.keys(process.env).length); process.exitCode = 3';
  const { code, stdout, stderr } = await runCommand(node, ['-e', script], { ...options, input: 'hello' });
  expect({ code, stdout: stdout.toString(), stderr }).toEqual({ code: 3, stdout: 'hello', stderr: '0\n' });
});

test('a program that is not there, runs too long, prints too much or is aborted is told apart', async () => {
  const forever = ['-e', 'setInterval(() => {}, 1000)'];
  expect(await stoppedKind(runCommand('/nowhere/git', [], options))).toBe('not-started');
  expect(await stoppedKind(runCommand(node, forever, { ...options, timeoutMs: 100 }))).toBe('timeout');
  const loud = ['-e', 'for (;;) process.stdout.write("x".repeat(65536))'];
  expect(await stoppedKind(runCommand(node, loud, { ...options, maxBytes: 100_000 }))).toBe('output-too-long');
  expect(await stoppedKind(runCommand(node, forever, { ...options, signal: AbortSignal.abort() }))).toBe('aborted');
});
