import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classifyFailure, type HelmFailure } from './helm-failure.ts';
import { helmEnvironment } from './helm.ts';
import { runProcess } from './run-process.ts';

export type RenderOptions = {
  readonly binary: string;
  /** An unpacked chart. */
  readonly chartDirectory: string;
  readonly name: string;
  readonly namespace: string;
  /** YAML or JSON; given on standard input. */
  readonly values: string;
  /** Render as an upgrade does. */
  readonly isUpgrade?: boolean;
  /** Ask this cluster for what it can do, and for objects that templates look up; without it nothing is asked. */
  readonly kubeconfig?: string;
  readonly signal?: AbortSignal;
};

const maxManifestBytes = 64 * 1024 * 1024;

/** The manifest that helm would apply, hooks left out, and nothing is applied. For diffs. */
export async function renderChart(
  options: RenderOptions,
): Promise<{ readonly ok: true; readonly manifest: string } | { readonly ok: false; readonly failure: HelmFailure }> {
  const { binary, chartDirectory, name, namespace, values, isUpgrade, kubeconfig, signal } = options;
  const home = await mkdtemp(join(tmpdir(), 'sluice-render-'));
  try {
    const result = await runProcess({
      command: binary,
      args: [
        'template',
        name,
        chartDirectory,
        '--namespace',
        namespace,
        '--values',
        '-',
        '--skip-crds',
        '--no-hooks',
        ...(isUpgrade ? ['--is-upgrade'] : []),
        kubeconfig ? '--dry-run=server' : '--dry-run=client',
      ],
      env: helmEnvironment(home, kubeconfig ? { kubeconfig } : {}),
      stdin: values,
      timeoutMs: 120_000,
      maxOutputBytes: maxManifestBytes,
      ...(signal ? { signal } : {}),
    });
    return result.code === 0
      ? { ok: true, manifest: result.stdout }
      : { ok: false, failure: classifyFailure(result.stderr) };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
