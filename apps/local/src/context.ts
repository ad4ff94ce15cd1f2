import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `sluice up` writes into `context.json` for the other commands. Addresses have no trailing slash. */
export type Context = {
  readonly version: 1;
  readonly pid: number;
  readonly kubeconfig: string;
  readonly apiUrl: string;
  readonly gitUrl: string;
  readonly forgeUrl: string;
  readonly registryUrl: string;
  readonly receiverUrl: string;
  /** Runtime that runs pods: sandbox, process or containerd. */
  readonly runtime: string;
  /** Token of the local forge. */
  readonly token: string;
};

/** Read the context of a data directory; undefined when no `sluice up` ever ran there. */
export function readContext(directory: string): Context | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'context.json'), 'utf8')) as Context;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
