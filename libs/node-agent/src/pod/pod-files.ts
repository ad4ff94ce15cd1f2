import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '@sluice/runtime';

/** What a pod takes of the disk while it runs; its logs and its state stay until the object goes. */
const runningParts = ['rootfs', 'volumes', 'artifacts'];

/** Give back the disk space of a pod that runs no more, once nothing is written any more. Failures are logged. */
export async function removeRunningFiles(directory: string, quiet: Promise<void>, log: Log): Promise<void> {
  await quiet;
  for (const name of runningParts) {
    await rm(join(directory, name), { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      log.warn('pod directory not removed', { directory, name, error }),
    );
  }
}
