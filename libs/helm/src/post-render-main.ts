/** The post-renderer that helm starts: manifests on standard input, changed ones on standard output. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { withMetadata, withoutHooks } from './manifest-metadata.ts';
import type { PostRenderConfig } from './post-render.ts';

const run = promisify(execFile);
const maxManifest = 256 * 1024 * 1024;
const timeoutMs = 60_000;

const path = process.env['SLUICE_POST_RENDER'] ?? '';
const config = JSON.parse(await readFile(path, 'utf8')) as PostRenderConfig;
try {
  process.stdout.write(await render(await text(process.stdin)));
} catch (error) {
  const { stderr } = error as { readonly stderr?: unknown };
  const why = typeof stderr === 'string' && stderr ? stderr : error instanceof Error ? error.message : String(error);
  await writeFile(config.errorFile, why.slice(0, 4_000));
  process.exitCode = 1;
}

async function render(manifest: string): Promise<string> {
  const { strategy } = config;
  const { hooks, others } = strategy === 'combined' ? { hooks: '', others: manifest } : withoutHooks(manifest);
  const rendered = withMetadata(await kustomized(others), config);
  if (!hooks.trim()) return rendered;
  const after = strategy === 'nohooks' ? hooks : withMetadata(await kustomized(hooks), config);
  return `${rendered.trimEnd()}\n---\n${after}`;
}

async function kustomized(manifest: string): Promise<string> {
  let current = manifest;
  for (const kustomization of config.kustomizations) current = await kustomize(current, kustomization);
  return current;
}

async function kustomize(manifest: string, kustomization: object): Promise<string> {
  if (!manifest.trim() || !config.kubectl) return manifest;
  const directory = await mkdtemp(join(tmpdir(), 'sluice-kustomize-'));
  try {
    await writeFile(join(directory, 'all.yaml'), manifest, { mode: 0o600 });
    const head = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: ['all.yaml'] };
    const whole = { ...head, sortOptions: { order: 'fifo' }, ...kustomization };
    await writeFile(join(directory, 'kustomization.yaml'), JSON.stringify(whole));
    const options = { maxBuffer: maxManifest, timeout: timeoutMs, env: { HOME: directory, PATH: '/usr/bin:/bin' } };
    return (await run(config.kubectl, ['kustomize', directory], options)).stdout;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
