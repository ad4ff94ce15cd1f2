import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type Block, blocksOf, toPattern } from './guide-blocks.ts';

const here = dirname(fileURLToPath(import.meta.url));
const bin = join(here, '../bin/sluice.mjs');
export const guides = join(here, '../../../docs/guides');

type Place = { readonly scratch: string; readonly running: ChildProcess[] };

/** Run every command of a guide, and compare what it prints with what the guide shows. Answers how many blocks there were. */
export async function playGuide(name: string): Promise<number> {
  const place: Place = { scratch: mkdtempSync(join(tmpdir(), 'sluice-guide-')), running: [] };
  try {
    const shell = new Shell(place.scratch);
    place.running.push(shell.child);
    const blocks = blocksOf(readFileSync(join(guides, name), 'utf8'));
    for (const block of blocks) {
      const where = `${name}:${block.line}`;
      const output = block.background
        ? await runInBackground(block, where, place)
        : await shell.run(block.script, where);
      expect(output, where).toMatch(toPattern(block.expected ?? '…'));
    }
    shell.close();
    return blocks.length;
  } finally {
    await Promise.all(place.running.map(ended));
    rmSync(place.scratch, { recursive: true, force: true });
  }
}

/** The reader's environment: a home of their own, `sluice` on the PATH. `up` takes any free ports, as tests must. */
function environment(scratch: string): Record<string, string> {
  const tools = join(scratch, 'tools');
  mkdirSync(tools, { recursive: true });
  const command = `"${process.execPath}" --conditions=@sluice/source --disable-warning=ExperimentalWarning "${bin}"`;
  const ports = '--api-port 0 --forge-port 0 --registry-port 0 --receiver-port 0';
  const script = `#!/bin/sh\nif [ "$1" = up ]; then exec ${command} "$@" ${ports}; fi\nexec ${command} "$@"\n`;
  writeFileSync(join(tools, 'sluice'), script);
  chmodSync(join(tools, 'sluice'), 0o755);
  const path = [tools, dirname(process.execPath), process.env['PATH'] ?? ''].join(':');
  const cache = process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? scratch, '.cache');
  return { HOME: scratch, PATH: path, XDG_CACHE_HOME: cache, LC_ALL: 'C' };
}

/** One bash for all blocks, so that directories and variables last; it ends at the first command that fails. */
class Shell {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #scratch: string;
  #output = '';
  #blocks = 0;
  #changed: () => void = () => undefined;

  constructor(scratch: string) {
    this.#scratch = scratch;
    const options = { cwd: scratch, env: environment(scratch), stdio: 'pipe' } as const;
    this.child = spawn('bash', ['--norc', '-eu'], options);
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
        this.#changed();
      });
    this.child.stdin.on('error', () => undefined); // the shell has ended: told by its exit
    this.child.on('exit', () => this.#changed());
  }

  async run(script: string, where: string): Promise<string> {
    const file = join(this.#scratch, `block-${++this.#blocks}.sh`);
    const mark = `@@ block ${this.#blocks} done @@`;
    writeFileSync(file, script);
    this.#output = '';
    this.child.stdin.write(`exec 2>&1\nsource ${file} </dev/null\necho '${mark}'\n`);
    while (!this.#output.includes(mark)) {
      if (this.child.exitCode !== null) throw new Error(`${where}: a command failed\n${script}\n${this.#output}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
    return this.#output.replace(`${mark}\n`, '');
  }

  close(): void {
    this.child.stdin.end();
  }
}

/** Start a block and wait until it has said what the guide shows. */
async function runInBackground({ script, expected = '…' }: Block, where: string, place: Place): Promise<string> {
  const child = spawn('bash', ['--norc', '-euc', `exec ${script}`], {
    cwd: place.scratch,
    env: environment(place.scratch),
    stdio: 'pipe',
  });
  place.running.push(child);
  let output = '';
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      if (toPattern(expected).test(output)) resolve(output);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('exit', (code) => reject(new Error(`${where}: ended with ${code}\n${output}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
