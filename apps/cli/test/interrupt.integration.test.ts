import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const bin = join(dirname(fileURLToPath(import.meta.url)), '../bin/sluice.mjs');
const scratch = mkdtempSync(join(tmpdir(), 'sluice-interrupt-'));
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});

type End = { readonly code: number | null; readonly output: string };

/** Run a command until it says something, press Ctrl-C, and wait for its end. */
function interrupt(args: readonly string[], said: RegExp, temporary: string): Promise<End> {
  mkdirSync(temporary, { recursive: true });
  const child = spawn(process.execPath, ['--conditions=@sluice/source', bin, ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  let isSent = false;
  const look = (chunk: Buffer): void => {
    output += chunk.toString();
    if (isSent || !said.test(output)) return;
    isSent = true;
    child.kill('SIGINT');
  };
  child.stdout.on('data', look);
  child.stderr.on('data', look);
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, output })));
}

/** What of ours is left in a temporary directory; Node keeps its compile cache there. */
function leftIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name !== 'node-compile-cache');
}

test('Ctrl-C ends `sluice up` with 0 and gives its data directory back', { timeout: 60_000 }, async () => {
  const home = join(scratch, 'home');
  const ports = ['--api-port', '--forge-port', '--registry-port', '--receiver-port'].flatMap((name) => [name, '0']);
  const { code, output } = await interrupt(['up', '--data', home, ...ports], /repo add NAME/, join(scratch, 'up'));
  expect(output).toMatch(/stopping\n$/);
  expect(code).toBe(0);
  expect(readdirSync(home)).not.toContain('lock');
  expect(leftIn(join(scratch, 'up'))).toEqual([]);
});

test.for([
  { name: 'as it starts', said: /embedded cluster ready/ },
  { name: 'while the first steps run', said: /git push origin main/ },
])('Ctrl-C $name ends the demo with 130, says so and leaves nothing behind', { timeout: 60_000 }, async ({ said }) => {
  const temporary = join(scratch, `demo-${String(said.source.length)}`);
  const { code, output } = await interrupt(['demo', '--exit'], said, temporary);
  expect(output).toMatch(/interrupted\n$/);
  expect(output).not.toMatch(/the demo failed|\n\s+at /);
  expect(code).toBe(130);
  expect(leftIn(temporary)).toEqual([]);
});
