import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ArtifactContext,
  ArtifactInput,
  ArtifactLocation,
  ArtifactMover,
  ArtifactOutput,
  JsonObject,
} from '@sluice/model';
import { packTarGz } from './archive/tar.ts';
import { applyMode, unpackArtifact } from './archive/unpack.ts';
import { packZip } from './archive/zip.ts';
import { ArtifactError, textOf } from './artifact-error.ts';
import { directoryDriver } from './driver/directory-driver.ts';
import { type Driver, type DriverContext, isObject, textField } from './driver/driver.ts';
import { gitDriver } from './driver/git-driver.ts';
import { httpDriver } from './driver/http-driver.ts';
import { rawDriver } from './driver/raw-driver.ts';
import { s3Driver } from './driver/s3-driver.ts';
import { type ArtifactLimits, defaultLimits } from './limits.ts';
import { retried } from './retry.ts';

export type ArtifactMoverOptions = {
  /** Where artifacts of the location `plugin: {name: local}` lie. */
  readonly directory: string;
  /** For files on their way; removed after each call. */
  readonly scratch: string;
  readonly gitBinary: string;
  /** The address of a host name that only the cluster knows, as seen from a namespace. */
  readonly resolveHost?: (namespace: string, host: string) => string | undefined;
  readonly limits?: ArtifactLimits;
  /** Tries of one transfer. Default 5. */
  readonly attempts?: number;
  /** Pause before the second try; doubled for each one after. Default 500. */
  readonly firstDelayMs?: number;
};

/** The name of the plugin location that is a directory of this machine. */
export const localPlugin = 'local';

/** Moves artifacts of all locations that are supported. */
export function createArtifactMover(options: ArtifactMoverOptions): ArtifactMover {
  const drivers = driversOf(options);
  const call = async <T>(
    location: ArtifactLocation,
    given: ArtifactContext,
    work: (driver: Driver, settings: JsonObject, context: DriverContext) => Promise<T>,
  ): Promise<T> => {
    const { driver, settings } = driverOf(drivers, location);
    const { limits = defaultLimits, attempts = 5, firstDelayMs = 500, resolveHost } = options;
    const retry = { attempts, firstDelayMs, signal: given.signal };
    return retried(async () => {
      const scratch = join(options.scratch, randomUUID());
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      const resolve = (host: string): string | undefined => resolveHost?.(given.namespace, host);
      try {
        return await work(driver, settings, { ...given, limits, scratch, resolveHost: resolve });
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    }, retry);
  };
  return {
    async fetch(input, target, context) {
      try {
        await call(input.location, context, (driver, settings, own) => fetchInto(driver, settings, input, target, own));
        return 'done';
      } catch (error) {
        if (error instanceof ArtifactError && error.kind === 'missing' && input.optional) return 'missing';
        throw named(error, input.name, context.signal);
      }
    },
    async keep(output, source, context) {
      try {
        await call(output.location, context, (driver, settings, own) =>
          keepFrom(driver, settings, output, source, own),
        );
      } catch (error) {
        throw named(error, output.name, context.signal);
      }
    },
    list: (location, context) =>
      call(location, context, async (driver, settings, own) => {
        if (!driver.list) throw new ArtifactError('refused', 'the keys of this kind of location cannot be listed');
        return driver.list(settings, own);
      }),
    remove: (location, context) =>
      call(location, context, async (driver, settings, own) => {
        if (!driver.remove) throw new ArtifactError('refused', 'artifacts of this kind of location cannot be deleted');
        await driver.remove(settings, own);
      }),
  };
}

function named(error: unknown, name: string, signal: AbortSignal): unknown {
  if (signal.aborted) return error;
  const kind = error instanceof ArtifactError ? error.kind : 'refused';
  return new ArtifactError(kind, `artifact ${JSON.stringify(name)}: ${textOf(error)}`, { cause: error });
}

function driversOf({ directory, gitBinary }: ArtifactMoverOptions): Readonly<Record<string, Driver>> {
  return {
    raw: rawDriver,
    http: httpDriver,
    artifactory: httpDriver,
    git: gitDriver(gitBinary),
    s3: s3Driver,
    plugin: directoryDriver(directory),
  };
}

function driverOf(
  drivers: Readonly<Record<string, Driver>>,
  location: ArtifactLocation,
): { readonly driver: Driver; readonly settings: JsonObject } {
  for (const [kind, settings] of Object.entries(location)) {
    if (!isObject(settings)) continue;
    const driver = Object.hasOwn(drivers, kind) ? drivers[kind] : undefined;
    if (!driver) throw new ArtifactError('refused', `there is no driver for artifacts of kind ${kind}`);
    const plugin = kind === 'plugin' ? textField(settings, 'name') : localPlugin;
    if (plugin !== localPlugin) throw new ArtifactError('refused', `there is no artifact plugin ${plugin ?? ''}`);
    return { driver, settings };
  }
  throw new ArtifactError('refused', 'it has no location, and there is no artifact repository');
}

async function fetchInto(
  driver: Driver,
  settings: JsonObject,
  input: ArtifactInput,
  target: string,
  context: DriverContext,
): Promise<void> {
  const fetched = join(context.scratch, 'artifact');
  await driver.load(settings, fetched, context);
  const artifact = await unpackArtifact(fetched, input.archive, context.limits);
  if (input.mode !== undefined) await applyMode(artifact, input.mode, input.recurseMode === true);
  await rename(artifact, target);
}

async function keepFrom(
  driver: Driver,
  settings: JsonObject,
  output: Omit<ArtifactOutput, 'path'>,
  source: string,
  context: DriverContext,
): Promise<void> {
  if (!driver.save) throw new ArtifactError('refused', 'artifacts cannot be written to this kind of location');
  if (output.archive === 'none') {
    if ((await lstat(source)).isSymbolicLink())
      throw new ArtifactError('refused', 'it is a link; only the archive strategy tar keeps links');
    return driver.save(settings, source, context);
  }
  const packed = join(context.scratch, 'packed');
  const top = source.split('/').at(-1) ?? 'artifact';
  await (output.archive === 'zip' ? packZip : packTarGz)(source, top, packed, output.compressionLevel ?? -1);
  await driver.save(settings, packed, context);
}
