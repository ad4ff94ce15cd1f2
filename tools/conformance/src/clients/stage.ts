import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findHelm, findKubectl } from '@sluice/helm';
import { loadServers } from '@sluice/local';
import { silentLog } from '@sluice/runtime';
import type { Outcome } from '../suite.ts';
import type { CommandLine } from './command-line.ts';
import { stageFiles } from './stage-files.ts';

/** A cluster with the clients that play on it. */
export type Stage = {
  readonly kubeconfig: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
};

/** Start a cluster in a directory of its own; the clients are the bundled ones, or those of HELM_BIN and KUBECTL_BIN. */
export async function startStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-clients-'));
  const own = environment();
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const found = { env: { HELM_BIN: own['HELM_BIN'], KUBECTL_BIN: own['KUBECTL_BIN'] }, cacheDirectory: cache(own) };
  const [kubectl, helm] = await Promise.all([findKubectl(found), findHelm(found)]);
  symlinkSync(kubectl.path, join(bin, 'kubectl'));
  symlinkSync(helm.path, join(bin, 'helm'));
  console.log(`kubectl ${kubectl.version} (${kubectl.source}), helm ${helm.version} (${helm.source})`);
  for (const [name, text] of Object.entries(stageFiles)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  const { startLocal } = await loadServers();
  const ports = { api: 0, forge: 0, registry: 0, receiver: 0 };
  const config = { directory: join(directory, 'data'), host: '127.0.0.1', ports, runtime: 'auto', env: own } as const;
  const local = await startLocal(config, { log: silentLog, now: Date.now });
  const { kubeconfig, registryUrl } = local.context;
  console.log(`pods run as ${local.context.runtime} (${local.runtimeReason})`);
  const env = {
    PATH: `${bin}:${own['PATH'] ?? ''}`,
    HOME: directory,
    KUBECONFIG: kubeconfig,
    REGISTRY: new URL(registryUrl).host,
    EDITOR: 'true',
  };
  return {
    kubeconfig,
    directory,
    env,
    async close() {
      await local.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function environment(): Readonly<Record<string, string | undefined>> {
  // A tool has no configuration of its own: the clients and the cluster get what it was started with.
  // oxlint-disable-next-line node/no-process-env
  return process.env;
}

function cache(env: Readonly<Record<string, string | undefined>>): string {
  return env['SLUICE_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? tmpdir(), '.cache'), 'sluice');
}

const timeoutMs = 60_000;

/** Run a command line and compare. */
export async function playLine(stage: Stage, { run, out, code = 0 }: CommandLine): Promise<Outcome> {
  const got = await runLine(stage, run);
  const wanted = `exit code ${code}${out ? `, output like ${out.source}` : ''}`;
  if (got.code === code && (!out || out.test(got.text))) return { result: 'passed' };
  return { result: 'failed', wanted, got: `exit code ${got.code}, output ${got.text.trim()}` };
}

function runLine({ directory, env }: Stage, run: string): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve) => {
    const settings = { cwd: directory, env, timeout: timeoutMs, maxBuffer: 16 << 20 };
    const child = execFile('/bin/sh', ['-c', `{ ${run}\n} 2>&1`], settings, (error, text) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      resolve({ code, text });
    });
    child.stdin?.end();
  });
}
