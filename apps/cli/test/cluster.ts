import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Context } from '@sluice/local';

const bin = join(dirname(fileURLToPath(import.meta.url)), '../bin/sluice.mjs');
const flags = ['--conditions=@sluice/source', '--disable-warning=ExperimentalWarning'];

export type CommandResult = { readonly code: number; readonly out: string; readonly err: string };

/** Run a program to its end. */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string; readonly input?: string } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...options.env };
    const settings = { env, cwd: options.cwd, timeout: 60_000, maxBuffer: 16 << 20 };
    const child = execFile(file, [...args], settings, (error, out, err) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
      resolve({ code, out: String(out), err: String(err) });
    });
    child.stdin?.on('error', () => undefined); // a program need not read what it is given
    child.stdin?.end(options.input ?? '');
  });
}

/** Run the sluice command from source. */
export function sluice(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string; readonly input?: string } = {},
): Promise<CommandResult> {
  return run(process.execPath, [...flags, bin, ...args], options);
}

/** A `sluice up` of its own, in a process of its own, over a data directory that outlives it. */
export class TestCluster {
  readonly directory: string;
  readonly home: string;
  /** The process that runs now, if one does. */
  #running: ChildProcess[] = [];
  #ports: readonly number[] = [];
  #log = '';

  /** `parent` is where its directory is made. */
  constructor(parent: string = tmpdir()) {
    this.directory = mkdtempSync(join(parent, 'sluice-up-'));
    this.home = join(this.directory, 'data');
  }

  /** Start it, on the same ports as before when it was killed. Resolves once it says that it is ready. */
  async start(extra: readonly string[] = []): Promise<Context> {
    if (this.#ports.length === 0) this.#ports = await freePorts(4);
    const names = ['--api-port', '--forge-port', '--registry-port', '--receiver-port'];
    const ports = names.flatMap((name, index) => [name, String(this.#ports[index])]);
    const args = [...flags, bin, 'up', '--data', this.home, '--log-level', 'info', ...ports, ...extra];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: process.env });
    this.#running = [child];
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`not ready within 30 s:\n${this.#log}`)), 30_000);
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (!out.includes('sluice is ready')) return;
        clearTimeout(limit);
        resolve();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-20_000);
      });
      child.on('exit', (code) => {
        clearTimeout(limit);
        reject(new Error(`sluice up ended with ${code}:\n${this.#log}`));
      });
    });
    return this.context();
  }

  context(): Context {
    return JSON.parse(readFileSync(join(this.home, 'context.json'), 'utf8')) as Context;
  }

  /** The end of the log of the running process. */
  get log(): string {
    return this.#log;
  }

  get env(): Record<string, string> {
    const { kubeconfig } = this.context();
    return {
      SLUICE_HOME: this.home,
      KUBECONFIG: kubeconfig,
      PATH: `${join(this.home, 'bin')}:${process.env['PATH'] ?? ''}`,
    };
  }

  kubectl(...args: string[]): Promise<CommandResult> {
    return run(join(this.home, 'bin/kubectl'), args, { env: this.env });
  }

  apply(manifest: string, ...args: string[]): Promise<CommandResult> {
    return run(join(this.home, 'bin/kubectl'), ['apply', '-f', '-', ...args], { env: this.env, input: manifest });
  }

  helm(...args: string[]): Promise<CommandResult> {
    return run(join(this.home, 'bin/helm'), args, { env: this.env });
  }

  sluice(...args: string[]): Promise<CommandResult> {
    return sluice(args, { env: { SLUICE_HOME: this.home } });
  }

  /** SIGKILL, as a power cut does it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const [child] = this.#running.splice(0);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.removeAllListeners('exit');
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}

/** Commit files to a repository of the local forge and push them to `ref` with the real git. Returns the commit. */
export async function pushFiles(
  cluster: TestCluster,
  repository: string,
  files: Readonly<Record<string, string>>,
  ref = 'refs/heads/main',
): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), 'sluice-work-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      writeFileSync(join(work, path), text);
    }
    const { gitUrl, token } = cluster.context();
    const remote = `${gitUrl.replace('://', `://sluice:${token}@`)}/${repository}.git`;
    const git = async (...args: string[]): Promise<string> => {
      const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
      const result = await run('git', [...identity, ...args], { cwd: work });
      if (result.code !== 0) throw new Error(`git ${args[0]}: ${result.err}`);
      return result.out.trim();
    };
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'First');
    await git('push', '--quiet', remote, `HEAD:${ref}`);
    return await git('rev-parse', 'HEAD');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Look again and again until `probe` has something; throws with the cluster's log when it does not within the time. */
export async function eventually<T>(
  cluster: TestCluster,
  what: string,
  probe: () => Promise<T | undefined>,
  limitMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${limitMs} ms\n${cluster.log}`);
    await delay(100);
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
