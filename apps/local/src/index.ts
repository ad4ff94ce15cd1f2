import type * as Servers from './servers.ts';

export type { AddedRepository } from './add-repository.ts';
export { addRepository } from './add-repository.ts';
export { clusterNames } from './cluster-names.ts';
export type { LocalConfig } from './config.ts';
export { defaultPorts, parseRuntime } from './config.ts';
export type { Context } from './context.ts';
export { readContext } from './context.ts';
export { cacheDirectory, DataDirectoryError, defaultDirectory, processUsing } from './data-directory.ts';
export type { ForgeClient, StoredCheck } from './forge-client.ts';
export { checksOf, ForgeError, forgeClient } from './forge-client.ts';
export type { Local } from './local.ts';
export type { DemoOptions, DemoSummary } from './demo/summary.ts';

/** Everything that runs servers, loaded only by the commands that need it. */
export async function loadServers(): Promise<typeof Servers> {
  return import('./servers.ts');
}
