import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OutputCapture } from '@sluice/model';
import { expect, onTestFinished, test } from 'vitest';
import { parseCaptured } from './observe-pod.ts';
import { wrapCommand } from './output-wrapper.ts';

/** Run a wrapped command as a kubelet would: `$$` of the manifest becomes `$`. */
function run(command: readonly string[], capture: Omit<OutputCapture, 'container'>) {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-wrapper-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const log = join(directory, 'termination-log');
  const wrapped = wrapCommand(command, [], { container: 'main', ...capture });
  const [program = 'sh', ...args] = [...wrapped.command.map((part) => part.replaceAll('$$', '$')), ...wrapped.args];
  const { status, stdout } = spawnSync(program, args, {
    cwd: directory,
    timeout: 10_000,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], SLUICE_TERMINATION_LOG: log },
  });
  const message = readFileSync(log, 'utf8');
  return { status, stdout: stdout.toString(), message, captured: parseCaptured(message) };
}

test('standard output goes by and comes back as the result', () => {
  const { status, stdout, captured } = run(['sh', '-c', 'printf "one\\ntwo\\n"'], { result: true });
  expect(status).toBe(0);
  expect(stdout).toBe('one\ntwo\n');
  expect(captured?.result).toBe('one\ntwo');
});

test('quotes, backslashes, tabs and letters beyond ASCII survive', () => {
  const text = String.raw`a "quoted" \back	tab é 日`;
  expect(run(['printf', '%s', text], { result: true }).captured?.result).toBe(text);
});

test('the exit code of the command is the exit code', () => {
  expect(run(['sh', '-c', 'echo out; exit 7'], { result: true }).status).toBe(7);
});

test('files become parameters, and a missing one takes its default', () => {
  const parameters = [
    { name: 'digest', path: 'out.txt' },
    { name: 'other', path: 'nowhere.txt', default: "it's fine" },
  ];
  const { captured } = run(['sh', '-c', 'echo sha256:abc > out.txt'], { parameters });
  expect(captured?.parameters).toEqual({ digest: 'sha256:abc', other: "it's fine" });
});

test('a missing file without a default is said', () => {
  expect(run(['true'], { parameters: [{ name: 'digest', path: 'nowhere.txt' }] }).captured?.error).toContain(
    'nowhere.txt',
  );
});

test('outputs that do not fit into a termination message are said to be too long', () => {
  const { captured } = run(['sh', '-c', 'head -c 5000 /dev/zero | tr "\\0" x'], { result: true });
  expect(captured?.error).toContain('4096');
});

test('a signal reaches the command, and what it left running does not hold the outputs back', () => {
  const startedAt = performance.now();
  const { status, captured } = run(['sh', '-c', 'echo early; kill -TERM $PPID; sleep 8; echo late'], { result: true });
  expect(status).not.toBe(0);
  expect(captured?.result).toBe('early');
  expect(performance.now() - startedAt).toBeLessThan(6_000);
});
