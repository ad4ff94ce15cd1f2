import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { LaunchPlan } from './runtime.ts';

/** Size of a terminal in characters. */
export type TerminalSize = { readonly width: number; readonly height: number };

const places = ['/usr/bin/script', '/bin/script', '/usr/local/bin/script'];

/** The program that gives a command a terminal: util-linux's. undefined where there is none. */
export function terminalProgram(): string | undefined {
  return process.platform === 'linux' ? places.find((place) => existsSync(place)) : undefined;
}

/** The plan with a terminal of its own around the command; stdout and stderr become one. */
export function inTerminal(plan: LaunchPlan, script: string): LaunchPlan {
  const own = plan.env['SHELL'];
  const restore = own === undefined ? 'unset SHELL' : `SHELL=${quoted(own)}; export SHELL`;
  const command = `${restore}; stty echo 2>/dev/null; exec ${[plan.file, ...plan.args].map(quoted).join(' ')}`;
  return {
    ...plan,
    file: script,
    args: ['-qefc', command, '/dev/null'],
    env: { TERM: 'xterm', ...plan.env, SHELL: '/bin/sh' },
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

const tries = 40;
const pauseMs = 25;

/** Set the size of the terminal that the process, a {@link terminalProgram}, has made. Nothing happens once it has gone. */
export async function resizeTerminal(pid: number, { width, height }: TerminalSize): Promise<void> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const device = terminalOf(pid);
    if (device === undefined) {
      await delay(pauseMs);
      continue;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const args = ['-F', device, 'rows', String(height), 'cols', String(width)];
    execFile('stty', args, { timeout: 2_000 }, () => resolve());
    return promise;
  }
}

function terminalOf(pid: number): string | undefined {
  try {
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ')[0];
    const device = readlinkSync(`/proc/${child}/fd/0`);
    return device.startsWith('/dev/pts/') ? device : undefined;
  } catch {
    return undefined;
  }
}
