import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { pluginCredentials } from './credential-plugin.ts';
import type { ClusterAccess } from './http-transport.ts';

export type KubeconfigOptions = {
  /** A file. Without it: the files of KUBECONFIG, then in-cluster credentials, then ~/.kube/config. */
  readonly path?: string;
  /** Context to use instead of `current-context`. */
  readonly context?: string;
  /** The process environment; this library does not read it by itself. */
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/** A kubeconfig that cannot be used. The message names the file, the entry and how to mend it. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

type Named<K extends string, T> = { readonly name: string } & { readonly [P in K]: T };
type Cluster = {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
};
type User = {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: unknown;
  readonly 'auth-provider'?: unknown;
  readonly as?: string;
};
type Context = { readonly cluster?: string; readonly user?: string; readonly namespace?: string };
type Config = {
  readonly 'current-context'?: string;
  readonly clusters?: readonly Named<'cluster', Cluster>[];
  readonly users?: readonly Named<'user', User>[];
  readonly contexts?: readonly Named<'context', Context>[];
};
/** A config and the folder that its relative paths start from. */
type Source = { readonly file: string; readonly config: Config };

/** Where pods find their credentials, unless SERVICE_ACCOUNT_DIRECTORY says otherwise: not every node can mount there. */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';
const tokenLifeMs = 60_000;

/** Work out how to reach a cluster, as kubectl does. Throws {@link KubeconfigError}. */
export async function loadKubeconfig(options: KubeconfigOptions = {}): Promise<ClusterAccess> {
  const env = options.env ?? {};
  const files = options.path ? [options.path] : (env['KUBECONFIG'] ?? '').split(':').filter((file) => file !== '');
  if (files.length === 0 && env['KUBERNETES_SERVICE_HOST']) return inCluster(env);
  if (files.length === 0) {
    if (!env['HOME']) throw new KubeconfigError('no kubeconfig: set KUBECONFIG, or give --kubeconfig FILE');
    files.push(join(env['HOME'], '.kube', 'config'));
  }
  // Loaded only here: in a cluster there is no file to read.
  const { parse } = await import('yaml');
  const sources = files.map((file) => readSource(file, options.path === undefined && files.length > 1, parse));
  return toAccess(
    sources.filter((source) => source !== undefined),
    options.context,
  );
}

function readSource(file: string, optional: boolean, parse: (text: string) => unknown): Source | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (optional && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new KubeconfigError(`kubeconfig ${file}: ${why}; set KUBECONFIG, or give --kubeconfig FILE`, {
      cause: error,
    });
  }
  try {
    return { file, config: (parse(text) ?? {}) as Config };
  } catch (error) {
    throw new KubeconfigError(`kubeconfig ${file} is not YAML: ${(error as Error).message}`, { cause: error });
  }
}

async function toAccess(sources: readonly Source[], wanted: string | undefined): Promise<ClusterAccess> {
  const files = sources.map(({ file }) => file).join(', ');
  const name = wanted ?? sources.map(({ config }) => config['current-context']).find(Boolean);
  if (!name) throw new KubeconfigError(`kubeconfig ${files}: no current-context; run: kubectl config use-context NAME`);
  const context = find(sources, 'contexts', name)?.entry.context;
  if (!context) throw new KubeconfigError(`kubeconfig ${files}: there is no context named ${JSON.stringify(name)}`);
  const cluster = find(sources, 'clusters', context.cluster ?? '');
  if (!cluster?.entry.cluster.server) {
    throw new KubeconfigError(`kubeconfig ${files}: context ${name}: cluster ${context.cluster ?? '""'} has no server`);
  }
  const user = find(sources, 'users', context.user ?? '');
  if (context.user && !user) throw new KubeconfigError(`kubeconfig ${files}: context ${name}: no user ${context.user}`);
  const { cluster: target } = cluster.entry;
  if (target['proxy-url']) {
    throw new KubeconfigError(`kubeconfig ${cluster.file}: cluster ${cluster.entry.name}: proxy-url is not supported`);
  }
  const ca = material(cluster.file, target['certificate-authority'], target['certificate-authority-data']);
  return {
    server: target.server ?? '',
    ...(ca && { ca }),
    ...(target['tls-server-name'] && { servername: target['tls-server-name'] }),
    ...(target['insecure-skip-tls-verify'] && { insecureSkipTlsVerify: true }),
    ...(context.namespace && { namespace: context.namespace }),
    ...(user && (await credentials(user.file, user.entry.name, user.entry.user))),
  };
}

type Lists = { clusters: Named<'cluster', Cluster>; users: Named<'user', User>; contexts: Named<'context', Context> };

/** The entry of this name; of several files the first that has it counts. */
function find<K extends keyof Lists>(sources: readonly Source[], list: K, name: string) {
  for (const { file, config } of sources) {
    const entries = (config[list] ?? []) as readonly Lists[K][];
    const entry = entries.find((candidate) => candidate.name === name);
    if (entry) return { file, entry };
  }
  return undefined;
}

async function credentials(file: string, name: string, user: User): Promise<Partial<ClusterAccess>> {
  if (user.as) throw new KubeconfigError(`kubeconfig ${file}: user ${name}: impersonation (as) is not supported`);
  if (user.exec || user['auth-provider']) return pluginCredentials(file, name);
  const cert = material(file, user['client-certificate'], user['client-certificate-data']);
  const key = material(file, user['client-key'], user['client-key-data']);
  const pair = { ...(cert && { cert }), ...(key && { key }) };
  if (user.tokenFile) return { ...pair, headers: fileToken(resolvePath(file, user.tokenFile)) };
  if (user.token) return { ...pair, token: user.token };
  if (user.username === undefined) return pair;
  const basic = Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
  return { ...pair, headers: async () => ({ authorization: `Basic ${basic}` }) };
}

/** PEM from a file or from base64; data wins as in kubectl. */
function material(file: string, path: string | undefined, data: string | undefined): string | undefined {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  if (!path) return undefined;
  try {
    return readFileSync(resolvePath(file, path), 'utf8');
  } catch (error) {
    throw new KubeconfigError(`kubeconfig ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function resolvePath(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

/** A token that somebody renews on disk: read again each minute. */
function fileToken(path: string): () => Promise<Readonly<Record<string, string>>> {
  let authorization = '';
  let readAtMs = -Infinity;
  return async () => {
    if (performance.now() - readAtMs > tokenLifeMs) {
      authorization = `Bearer ${readFileSync(path, 'utf8').trim()}`;
      readAtMs = performance.now();
    }
    return { authorization };
  };
}

function inCluster(env: Readonly<Record<string, string | undefined>>): ClusterAccess {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT_HTTPS'] ?? env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const directory = env['SERVICE_ACCOUNT_DIRECTORY'] ?? serviceAccount;
  try {
    return {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      ca: readFileSync(`${directory}/ca.crt`, 'utf8'),
      namespace: readFileSync(`${directory}/namespace`, 'utf8').trim(),
      headers: fileToken(`${directory}/token`),
    };
  } catch (error) {
    const why = (error as Error).message;
    throw new KubeconfigError(`in-cluster credentials: ${why}; does the pod mount its service account token?`, {
      cause: error,
    });
  }
}
