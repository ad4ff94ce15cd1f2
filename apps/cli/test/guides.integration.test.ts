import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestCluster } from './cluster.ts';
import { type Block, blocksOf, toPattern } from './guide-blocks.ts';

const here = dirname(fileURLToPath(import.meta.url));
const bin = join(here, '../bin/sluice.mjs');
const guides = join(here, '../../../docs/guides');
const running: ChildProcess[] = [];
let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sluice-guide-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(ended));
  rmSync(scratch, { recursive: true, force: true });
}, 40_000);

test.for(['quick-start.md', 'environments.md'])(
  'every command of %s does what the guide says',
  { timeout: 240_000 },
  async (guide) => {
    const shell = new Shell();
    for (const block of blocksOf(readFileSync(join(guides, guide), 'utf8'))) {
      const where = `${guide}:${block.line}`;
      const output = block.background ? await runInBackground(block, where) : await shell.run(block.script, where);
      expect(output, where).toMatch(toPattern(block.expected ?? '…'));
    }
    shell.close();
  },
);

test('the Repository of the GitHub guide is one that the cluster takes', { timeout: 60_000 }, async () => {
  const text = readFileSync(join(guides, 'github.md'), 'utf8');
  const manifest = /^```yaml\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '';
  const cluster = new TestCluster();
  try {
    await cluster.start();
    const { out, err } = await cluster.apply(manifest, '--dry-run=server');
    expect(out + err).toBe('repository.sluice.dev/hello created (server dry run)\n');
  } finally {
    await cluster.stop();
  }
});

/** The reader's environment: a home of their own, `sluice` on the PATH. `up` takes any free ports, as tests must. */
function environment(): Record<string, string> {
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
  readonly #child = spawn('bash', ['--norc', '-eu'], {
    cwd: scratch,
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  #output = '';
  #blocks = 0;
  #changed: () => void = () => undefined;

  constructor() {
    running.push(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
        this.#changed();
      });
    this.#child.stdin.on('error', () => undefined); // the shell has ended: told by its exit
    this.#child.on('exit', () => this.#changed());
  }

  async run(script: string, where: string): Promise<string> {
    const file = join(scratch, `block-${++this.#blocks}.sh`);
    const mark = `@@ block ${this.#blocks} done @@`;
    writeFileSync(file, script);
    this.#output = '';
    this.#child.stdin.write(`exec 2>&1\nsource ${file} </dev/null\necho '${mark}'\n`);
    while (!this.#output.includes(mark)) {
      if (this.#child.exitCode !== null) throw new Error(`${where}: a command failed\n${script}\n${this.#output}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
    return this.#output.replace(`${mark}\n`, '');
  }

  close(): void {
    this.#child.stdin.end();
  }
}

/** Start a block and wait until it has said what the guide shows. */
async function runInBackground({ script, expected = '…' }: Block, where: string): Promise<string> {
  const child = spawn('bash', ['--norc', '-euc', `exec ${script}`], {
    cwd: scratch,
    env: environment(),
    stdio: 'pipe',
  });
  running.push(child);
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
