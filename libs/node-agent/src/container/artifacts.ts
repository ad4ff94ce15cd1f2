import { createWriteStream, lstatSync } from 'node:fs';
import { cp, lstat, mkdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type ArtifactContext,
  type ArtifactMover,
  type ArtifactOutput,
  keys,
  type LogOutput,
  type PodInputs,
} from '@sluice/model';
import { closedLog, readLog } from '../log/read-log.ts';
import type { Container, Pod } from '../pod/pod-spec.ts';
import { type ContainerView, holds, resolveInView, type ViewMount } from './container-view.ts';
import type { ReadKeyed } from './environment.ts';

/** An input artifact that could not be brought: the container ends before it begins. */
export class ArtifactFailure extends Error {
  override readonly name = 'ArtifactFailure';
}

/** What moving artifacts of one pod takes. */
export type ArtifactPorts = {
  /** Absent on a node that moves none. */
  readonly artifacts: ArtifactMover | undefined;
  readonly read: ReadKeyed;
  /** `pods/<uid>`. */
  readonly directory: string;
};

/** The input artifacts that the annotation of the pod names for this container. Throws {@link ArtifactFailure}. */
export function inputsOf(pod: Pod, container: Container): PodInputs['artifacts'] {
  const text = pod.metadata.annotations?.[keys.inputs];
  if (text === undefined) return [];
  try {
    const inputs = JSON.parse(text) as Partial<PodInputs>;
    if (inputs.container !== container.name) return [];
    if (Array.isArray(inputs.artifacts)) return inputs.artifacts;
  } catch {
    // Said below.
  }
  throw new ArtifactFailure(`annotation ${keys.inputs} is not of the form {"container", "artifacts": [...]}`);
}

/**
 * Bring the input artifacts of a container. What lies inside one of its volumes is put there; the rest becomes mounts of
 * its own. Throws {@link ArtifactFailure} with what to tell the user.
 */
export async function stageInputs(
  pod: Pod,
  container: Container,
  volumes: readonly ViewMount[],
  ports: ArtifactPorts,
  signal: AbortSignal,
): Promise<readonly ViewMount[]> {
  const inputs = inputsOf(pod, container);
  if (inputs.length === 0) return [];
  const { artifacts } = ports;
  if (!artifacts) throw new ArtifactFailure('this node moves no artifacts');
  const context = contextOf(pod, ports, signal);
  const staging = join(ports.directory, 'artifacts', container.name);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  const mounts: ViewMount[] = [];
  for (const [index, input] of inputs.entries()) {
    try {
      const staged = join(staging, String(index));
      if ((await artifacts.fetch(input, staged, context)) === 'missing') continue;
      const path = posix.normalize(posix.join('/', input.path)).replace(/(.)\/$/, '$1');
      const volume = volumes
        .filter((mount) => holds(mount.path, path))
        .toSorted((a, b) => b.path.length - a.path.length)[0];
      if (volume) await placeInVolume(volume, path, staged);
      else mounts.push({ path, source: staged, readOnly: false });
    } catch (error) {
      signal.throwIfAborted();
      throw new ArtifactFailure(messageOf(error), { cause: error });
    }
  }
  return mounts;
}

/** A container may have left links in the volume: nothing is written through one that leads out of it. */
async function placeInVolume(volume: ViewMount, path: string, staged: string): Promise<void> {
  if (volume.path === path) {
    if (lstatSync(staged).isDirectory()) return cp(staged, volume.source, { recursive: true, verbatimSymlinks: true });
    throw new Error(`${path} is where a volume is mounted; the artifact is a file and cannot take its place`);
  }
  const target = join(volume.source, path.slice(volume.path === '/' ? 1 : volume.path.length + 1));
  await mkdir(dirname(target), { recursive: true });
  const root = await realpath(volume.source);
  if (!holds(root, await realpath(dirname(target)))) throw new Error(`${path} leads out of the volume that it is in`);
  await rm(target, { recursive: true, force: true });
  await rename(staged, target).catch(() => cp(staged, target, { recursive: true, verbatimSymlinks: true }));
}

/** What became of the outputs of a container that has ended. */
export type Kept = { readonly kept: readonly string[]; readonly errors: readonly string[] };

export type KeepInput = {
  readonly pod: Pod;
  readonly outputs: readonly ArtifactOutput[];
  readonly view: ContainerView;
  readonly workingDir: string;
  /** A container that failed is not also blamed for files that it did not come to write. */
  readonly succeeded: boolean;
};

/** Keep the output artifacts of a container that has ended. Never throws. */
export async function keepOutputs(input: KeepInput, ports: ArtifactPorts, signal: AbortSignal): Promise<Kept> {
  const { pod, outputs, view, workingDir, succeeded } = input;
  const kept: string[] = [];
  const errors: string[] = [];
  const context = contextOf(pod, ports, signal);
  for (const output of outputs) {
    try {
      const source = resolveInView(view, posix.resolve(workingDir, output.path));
      const found = await lstat(source).catch(() => undefined);
      if (!found) {
        if (!output.optional && succeeded)
          errors.push(
            `artifact ${JSON.stringify(output.name)}: ${output.path}: the file does not exist; let the step write it, or mark the artifact optional`,
          );
        continue;
      }
      if (!ports.artifacts) throw new Error('this node moves no artifacts');
      const follow = (path: string): string =>
        resolveInView(view, posix.join(posix.resolve(workingDir, output.path), path));
      await ports.artifacts.keep(output, source, { ...context, follow });
      kept.push(output.name);
    } catch (error) {
      errors.push(messageOf(error));
    }
  }
  return { kept, errors };
}

/** Keep the log of a container that has ended, as plain text. Never throws. */
export async function keepLog(
  pod: Pod,
  output: LogOutput,
  logPath: string,
  ports: ArtifactPorts,
  signal: AbortSignal,
): Promise<Kept> {
  const text = join(ports.directory, 'artifacts', `${output.container}.log`);
  try {
    if (!ports.artifacts) throw new Error('this node moves no artifacts');
    await mkdir(dirname(text), { recursive: true });
    await pipeline(Readable.from(readLog(closedLog(logPath), {})), createWriteStream(text), { signal });
    const { name, location } = output;
    await ports.artifacts.keep({ name, location, archive: 'none' }, text, contextOf(pod, ports, signal));
    return { kept: [name], errors: [] };
  } catch (error) {
    return { kept: [], errors: [messageOf(error)] };
  } finally {
    await rm(text, { force: true });
  }
}

function contextOf(pod: Pod, { read }: ArtifactPorts, signal: AbortSignal): ArtifactContext {
  return {
    namespace: pod.metadata.namespace ?? 'default',
    signal,
    secret: secretReader(read),
  };
}

/** Reads keys of Secrets of the pod's namespace, and says what is missing. */
export function secretReader(read: ReadKeyed): ArtifactContext['secret'] {
  return async (name, key) => {
    const found = await read('secret', name);
    if (!found) throw new Error(`secret "${name}" not found; create it in the namespace of the workflow`);
    const value = found.data?.[key];
    if (value === undefined) throw new Error(`secret "${name}" has no key ${JSON.stringify(key)}`);
    return Buffer.from(value, 'base64').toString('utf8');
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
