import { cp, lutimes, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readChart, type ChartMetadata } from './chart-directory.ts';
import { classifyFailure, type HelmFailure } from './helm-failure.ts';
import { helmEnvironment } from './helm.ts';
import { runProcess } from './run-process.ts';

export type PackageOptions = {
  readonly binary: string;
  readonly chartDirectory: string;
  readonly version?: string;
  readonly appVersion?: string;
  /** Modification time of every file in the archive, seconds since 1970: give the commit's, and the archive is the same each time. */
  readonly mtimeSeconds: number;
  readonly signal?: AbortSignal;
};

export type PackagedChart = {
  readonly ok: true;
  readonly archive: Uint8Array;
  readonly fileName: string;
  readonly metadata: ChartMetadata;
};

/** Package a chart with `helm package`. The same chart, versions and time give the same bytes. */
export async function packageChart(
  options: PackageOptions,
): Promise<PackagedChart | { readonly ok: false; readonly failure: HelmFailure }> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-chart-'));
  try {
    const { metadata } = await readChart(options.chartDirectory);
    const copy = join(scratch, metadata.name);
    await cp(options.chartDirectory, copy, { recursive: true, verbatimSymlinks: true });
    await setTimes(copy, options.mtimeSeconds);
    const result = await runProcess({
      command: options.binary,
      args: [
        'package',
        copy,
        '--destination',
        scratch,
        ...(options.version ? ['--version', options.version] : []),
        ...(options.appVersion ? ['--app-version', options.appVersion] : []),
      ],
      env: helmEnvironment(join(scratch, 'home'), {}),
      timeoutMs: 120_000,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (result.code !== 0) return { ok: false, failure: classifyFailure(result.stderr) };
    const fileName = (await readdir(scratch)).find((name) => name.endsWith('.tgz'));
    if (!fileName)
      return { ok: false, failure: { kind: 'Other', message: 'helm package wrote no archive', log: result.stderr } };
    const version = options.version ?? metadata.version;
    const appVersion = options.appVersion ?? metadata.appVersion;
    return {
      ok: true,
      archive: await readFile(join(scratch, fileName)),
      fileName,
      metadata: { ...metadata, version, ...(appVersion === undefined ? {} : { appVersion }) },
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function setTimes(path: string, seconds: number): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await setTimes(child, seconds);
    else await lutimes(child, seconds, seconds);
  }
  await lutimes(path, seconds, seconds);
}

/** Read a values file. Throws a SyntaxError that says where it is wrong. */
export function parseValues(text: string): Readonly<Record<string, unknown>> {
  const value = parse(text, { maxAliasCount: 100 }) as unknown;
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new SyntaxError('values must be a mapping');
  return value as Record<string, unknown>;
}
