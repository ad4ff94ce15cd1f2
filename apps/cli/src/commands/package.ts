import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { BadChart, findHelm, packageChart, readChart } from '@sluice/helm';
import { cacheDirectory } from '@sluice/local';
import {
  assembleImage,
  createOciClient,
  NothingToPackage,
  OciClientError,
  pullBase,
  pushChart,
  pushImage,
} from '@sluice/oci';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';

type PackageOptions = { readonly to: string; readonly revision?: string; readonly digestFile?: string };

export type PackageImageOptions = PackageOptions & {
  readonly include: readonly string[];
  readonly workdir: string;
  readonly command: readonly string[];
  readonly env: readonly string[];
  readonly base?: string;
};

export type PackageChartOptions = PackageOptions & { readonly path: string };

/** `sluice package image`: files → one layer → an image in a registry, addressed by its digest. */
export async function packageImageCommand(options: PackageImageOptions, io: Io): Promise<ExitCode> {
  const env = Object.fromEntries(options.env.map(parsePair));
  const { seconds } = await commitOf(options.revision, io);
  const scratchDirectory = await mkdtemp(join(tmpdir(), 'sluice-image-'));
  try {
    const client = createOciClient();
    const base = options.base ? await pullBase(client, options.base, { signal: io.signal }) : undefined;
    const image = await assembleImage({
      ...(base && { base }),
      context: io.cwd,
      include: options.include,
      workdir: options.workdir,
      command: options.command,
      env,
      created: new Date(seconds * 1_000).toISOString(),
      ...(options.revision ? { labels: { 'org.opencontainers.image.revision': options.revision } } : {}),
      scratchDirectory,
      signal: io.signal,
    });
    const reference = withTag(options.to, options.revision);
    const digest = await pushImage(client, reference, image, { signal: io.signal });
    return await report(io, options, reference, typeof digest === 'string' ? digest : image.digest);
  } catch (error) {
    throw explain(error);
  } finally {
    await rm(scratchDirectory, { recursive: true, force: true });
  }
}

/** `sluice package chart`: a chart whose version names the commit, pushed to an OCI repository. */
export async function packageChartCommand(options: PackageChartOptions, io: Io): Promise<ExitCode> {
  try {
    const chartDirectory = resolve(io.cwd, options.path);
    const { metadata } = await readChart(chartDirectory);
    const { seconds } = await commitOf(options.revision, io);
    const helm = await findHelm({ env: io.env, cacheDirectory: cacheDirectory(io.env) });
    const packaged = await packageChart({
      binary: helm.path,
      chartDirectory,
      mtimeSeconds: seconds,
      ...(options.revision
        ? { version: `${metadata.version}-sha.${options.revision.slice(0, 12)}`, appVersion: options.revision }
        : {}),
      signal: io.signal,
    });
    if (!packaged.ok) throw new CommandError(exitCodes.failed, `helm package: ${packaged.failure.message}`);
    const { digest, tag } = await pushChart(
      createOciClient(),
      options.to.replace(/^oci:\/\//, ''),
      { archive: packaged.archive, metadata: { ...packaged.metadata } },
      { signal: io.signal },
    );
    return await report(io, options, `${options.to}:${tag}`, digest);
  } catch (error) {
    if (error instanceof BadChart) {
      const message = `chart ${JSON.stringify(options.path)}: ${error.message}; the path is taken from the root of the repository`;
      throw new CommandError(exitCodes.failed, message, { cause: error });
    }
    throw explain(error);
  }
}

async function report(io: Io, options: PackageOptions, reference: string, digest: string): Promise<ExitCode> {
  if (options.digestFile) await writeFile(options.digestFile, `${digest}\n`);
  io.out(`pushed ${reference}`);
  io.out(digest);
  return exitCodes.ok;
}

/** Time of the commit, so that packaging it twice gives the same bytes; 1980 when no commit is named. */
async function commitOf(revision: string | undefined, io: Io): Promise<{ seconds: number }> {
  if (revision === undefined) return { seconds: 315_532_800 };
  if (!/^[0-9a-f]{40,64}$/.test(revision)) {
    throw new CommandError(exitCodes.usage, `--revision ${JSON.stringify(revision)}: must be a full commit id`);
  }
  try {
    const args = ['show', '--no-patch', '--format=%ct', '--end-of-options', revision];
    const { stdout } = await promisify(execFile)('git', args, { cwd: io.cwd, timeout: 15_000, signal: io.signal });
    return { seconds: Number(stdout.trim()) };
  } catch (error) {
    throw new CommandError(exitCodes.failed, `commit ${revision} is not in the repository of ${io.cwd}`, {
      cause: error,
    });
  }
}

function parsePair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new CommandError(exitCodes.usage, `--env ${text}: must read NAME=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** The reference with a tag that names the commit, unless it has one. */
function withTag(reference: string, revision: string | undefined): string {
  const last = reference.slice(reference.lastIndexOf('/') + 1);
  if (last.includes(':') || last.includes('@') || !revision) return reference;
  return `${reference}:${revision.slice(0, 12)}`;
}

function explain(error: unknown): unknown {
  if (error instanceof OciClientError || error instanceof NothingToPackage) {
    return new CommandError(exitCodes.failed, error.message, { cause: error });
  }
  return error;
}
