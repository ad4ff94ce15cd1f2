import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ctrOf, detectContainerd } from '@sluice/node-agent';

/** A containerd of its own: root, state and socket in a directory of its own, so that it disturbs no other. */
export type TestContainerd = { readonly address: string; close(): Promise<void> };

const programs = ['/usr/bin/containerd', '/usr/bin/ctr', '/usr/sbin/runc', '/usr/bin/buildah', '/bin/busybox'];

/** Why there can be no containerd here; empty when there can be one. */
export function whyNoContainerd(): string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs linux and the superuser';
  const missing = programs.filter((program) => !existsSync(program));
  return missing.length > 0 ? `${missing.join(', ')} not installed` : '';
}

export async function startContainerd(directory: string): Promise<TestContainerd> {
  // The path of a socket may have 107 bytes.
  const run = mkdtempSync(join(tmpdir(), 'ctd-'));
  const address = join(run, 'c.sock');
  const config = join(run, 'config.toml');
  const lines = [
    'version = 2',
    `root = "${join(directory, 'containerd')}"`,
    `state = "${join(run, 'state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    `[grpc]\n  address = "${address}"`,
    `[ttrpc]\n  address = "${address}.ttrpc"`,
  ];
  mkdirSync(join(directory, 'containerd'));
  writeFileSync(config, lines.join('\n'));
  const child = spawn('/usr/bin/containerd', ['-c', config, '-l', 'error'], { stdio: 'ignore', detached: true });
  await untilItAnswers(address, child);
  return {
    address,
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(run, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(address: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await detectContainerd(ctrOf('test', address))).available) return;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('containerd does not answer');
}

/** Build an image of busybox and these files, and push it. */
export async function buildImage(
  directory: string,
  reference: string,
  files: Readonly<Record<string, string>>,
  instructions: string,
): Promise<void> {
  const context = mkdtempSync(join(directory, 'context-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(context, name), text);
  await run('cp', ['/bin/busybox', join(context, 'busybox')]);
  const applets = ['sh', 'cat', 'echo', 'id', 'ls', 'sleep', 'ps', 'test', 'touch', 'tr', 'seq', 'stty'];
  mkdirSync(join(context, 'bin'));
  for (const applet of applets) await run('ln', ['-s', '/busybox', join(context, 'bin', applet)]);
  const lines = ['FROM scratch', 'COPY . /', 'ENV PATH=/bin GREETING=hello', instructions];
  writeFileSync(join(context, 'Containerfile'), lines.join('\n'));
  const storage = join(directory, 'buildah');
  const common = ['--storage-driver', 'vfs', '--root', join(storage, 'root'), '--runroot', join(storage, 'run')];
  await run('buildah', [...common, 'bud', '-q', '-t', 'localhost/built', context]);
  await run('buildah', [...common, 'push', '--tls-verify=false', 'localhost/built', `docker://${reference}`]);
}

function run(file: string, args: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  execFile(file, [...args], { timeout: 30_000 }, (error, _out, stderr) => {
    if (error) reject(new Error(`${file} ${args.join(' ')}: ${stderr}`));
    else resolve();
  });
  return promise;
}
