import { resolve } from 'node:path';
import { createKubeApi, httpTransport, KubeconfigError, loadKubeconfig } from '@sluice/kube';
import { type Context, defaultDirectory, ForgeError, readContext } from '@sluice/local';
import type { KubeApi } from '@sluice/reconcile';
import { KubeApiError } from '@sluice/reconcile';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Io } from './io.ts';

/** Options that every command which talks to a cluster has. */
export type ClusterOptions = { readonly kubeconfig?: string; readonly data?: string; readonly namespace?: string };

export type Connection = {
  readonly kube: KubeApi;
  readonly namespace: string;
  /** Present when the cluster is the embedded one of a `sluice up`. */
  readonly context: Context | undefined;
};

/** The embedded cluster's context, which must be there. */
export function requireContext(io: Io, options: ClusterOptions): Context {
  const directory = options.data ?? defaultDirectory(io.env);
  const context = readContext(directory);
  if (!context)
    throw new CommandError(
      exitCodes.unreachable,
      `no embedded cluster was ever started in ${directory}; start one with: sluice up`,
    );
  return context;
}

/** Connect by `--kubeconfig`, else `KUBECONFIG`, else the embedded cluster of the data directory. */
export async function connect(io: Io, options: ClusterOptions): Promise<Connection> {
  const path = options.kubeconfig ?? io.env['KUBECONFIG'];
  const context = path ? embeddedContext(path, io, options) : requireContext(io, options);
  const access = await loadKubeconfig({ path: path ?? context?.kubeconfig ?? '', env: io.env });
  const transport = httpTransport(access);
  io.defer(() => transport.close());
  return { kube: createKubeApi({ transport }), namespace: options.namespace ?? access.namespace ?? 'default', context };
}

/** The embedded cluster's context when the kubeconfig is the one that `sluice up` told to export. */
function embeddedContext(path: string, io: Io, options: ClusterOptions): Context | undefined {
  const context = readContext(options.data ?? defaultDirectory(io.env));
  return context && resolve(io.cwd, path) === resolve(context.kubeconfig) ? context : undefined;
}

/** Exit code and message for what a command threw. */
export function explainFailure(error: unknown): { exitCode: number; message: string } {
  if (error instanceof CommandError) return { exitCode: error.exitCode, message: error.message };
  if (error instanceof KubeApiError) {
    if (error.code === 404) return { exitCode: exitCodes.notFound, message: error.message };
    if (error.code === 401 || error.code === 403) return { exitCode: exitCodes.denied, message: error.message };
    return { exitCode: exitCodes.failed, message: error.message };
  }
  if (error instanceof KubeconfigError) return { exitCode: exitCodes.usage, message: error.message };
  if (error instanceof ForgeError) {
    const exitCode =
      error.status === 404
        ? exitCodes.notFound
        : error.status === 401 || error.status === 403
          ? exitCodes.denied
          : exitCodes.failed;
    return { exitCode, message: error.message };
  }
  const code = connectionCode(error);
  if (code) {
    const message = `the API server could not be reached (${code}); is it running? start the embedded one with: sluice up`;
    return { exitCode: exitCodes.unreachable, message };
  }
  return { exitCode: exitCodes.failed, message: error instanceof Error ? error.message : String(error) };
}

const connectionCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
];

/** The connection fault behind an error, looking through its causes. */
function connectionCode(error: unknown): string | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string' && connectionCodes.includes(code)) return code;
    current = current.cause;
  }
  return undefined;
}
