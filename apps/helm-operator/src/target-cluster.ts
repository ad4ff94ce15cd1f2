import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resources, type HelmRelease, type KubeObject } from '@sluice/model';
import type { Helm, ReleaseTarget } from '@sluice/helm';
import type { KubeApi } from '@sluice/reconcile';
import type { TargetClusterPlan } from '@sluice/release';
import { parse } from 'yaml';
import type { ReleasePorts } from './release-context.ts';
import { ReleaseStorage } from './release-storage.ts';

/** Makes clients for other users and other clusters. */
export type ClusterAccessPort = {
  /** Where kubeconfigs of other clusters are kept, readable by us alone. */
  readonly directory: string;
  /** The API of our own cluster, acting as a user. */
  impersonated(user: string): KubeApi;
  /** The API that a kubeconfig file leads to, acting as a user when one is given. */
  remote(kubeconfig: string, user?: string): Promise<KubeApi>;
};

/** The cluster or the account that a release is for cannot be used. `gone`: it does not exist any more. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  readonly reason = 'RESTClientError';
  readonly gone: boolean;
  constructor(message: string, gone = false) {
    super(message);
    this.gone = gone;
  }
}

const maxClients = 200;

/** Gives each release the ports of the cluster and the user that it is installed with. */
export class TargetClusters {
  readonly #access: ClusterAccessPort;
  readonly #known = new Map<string, Promise<Pick<ReleasePorts, 'kube' | 'storage'>>>();

  constructor(access: ClusterAccessPort) {
    this.#access = access;
  }

  /** Remove kubeconfigs that no release has asked for within this time; one that is needed again is written again. */
  async removeUnused(nowMs: number, ageMs: number): Promise<void> {
    const { directory } = this.#access;
    for (const entry of await readdir(directory).catch((): string[] => [])) {
      const path = join(directory, entry);
      const found = await stat(path).catch(() => undefined);
      if (found && nowMs - found.mtimeMs >= ageMs) await rm(path, { force: true });
    }
  }

  /** Ports for a release; throws {@link TargetError}. */
  async portsFor(
    ports: ReleasePorts,
    release: HelmRelease,
    plan: TargetClusterPlan,
    signal: AbortSignal,
  ): Promise<ReleasePorts> {
    const { serviceAccount, kubeConfig } = plan;
    if (!serviceAccount && !kubeConfig) return ports;
    const access = this.#access;
    const namespace = release.metadata.namespace ?? '';
    const user = serviceAccount && `system:serviceaccount:${namespace}:${serviceAccount}`;
    const kubeconfig = kubeConfig && (await fetchKubeconfig(ports.kube, access, { namespace, ...kubeConfig, signal }));
    if (serviceAccount && !kubeconfig) await requireAccount(ports.kube, namespace, serviceAccount, signal);
    const id = `${kubeconfig ?? ''} ${user ?? ''}`;
    let made = this.#known.get(id);
    if (!made) {
      if (this.#known.size >= maxClients) this.#known.clear();
      made = connect(ports, access, { kubeconfig, user });
      this.#known.set(id, made);
      made.catch(() => this.#known.delete(id));
    }
    const extra = { ...(kubeconfig ? { kubeconfig } : {}), ...(user ? { asUser: user } : {}) };
    return { ...ports, ...(await made), helm: withTarget(ports.helm, extra) };
  }
}

type Connection = { readonly kubeconfig: string | undefined; readonly user: string | undefined };

async function connect({ now }: ReleasePorts, access: ClusterAccessPort, { kubeconfig, user }: Connection) {
  try {
    const kube = kubeconfig ? await access.remote(kubeconfig, user) : access.impersonated(user ?? '');
    return { kube, storage: new ReleaseStorage(kube, { now }) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TargetError(`the kubeconfig of spec.kubeConfig cannot be used: ${why}`);
  }
}

async function requireAccount(kube: KubeApi, namespace: string, name: string, signal: AbortSignal): Promise<void> {
  if (await kube.get(resources.serviceAccounts, { namespace, name }, signal)) return;
  throw new TargetError(`ServiceAccount ${namespace}/${name} (spec.serviceAccountName) does not exist`, true);
}

type Wanted = {
  readonly namespace: string;
  readonly name: string;
  readonly key?: string;
  readonly signal: AbortSignal;
};
type Holder = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/** Write the kubeconfig of a Secret to a file, named by its content. */
async function fetchKubeconfig(
  kube: KubeApi,
  access: ClusterAccessPort,
  { namespace, name, key, signal }: Wanted,
): Promise<string> {
  const secret = await kube.get<Holder>(resources.secrets, { namespace, name }, signal);
  const where = `Secret ${namespace}/${name} (spec.kubeConfig.secretRef)`;
  if (!secret) throw new TargetError(`${where} does not exist`, true);
  const keys = key ? [key] : ['value', 'value.yaml'];
  const encoded = keys.map((one) => secret.data?.[one]).find((value) => value !== undefined);
  if (encoded === undefined) throw new TargetError(`${where} has no key ${keys.join(' or ')}`);
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const forbidden = forbiddenIn(text);
  if (forbidden) throw new TargetError(`${where}: ${forbidden}`);
  await mkdir(access.directory, { recursive: true, mode: 0o700 });
  const path = join(access.directory, createHash('sha256').update(text).digest('hex'));
  await writeOnce(path, text);
  return path;
}

/** The name is made of the content, so a file that is there is right; it may be in use and is only made young. */
async function writeOnce(path: string, text: string): Promise<void> {
  const now = new Date();
  const there = await utimes(path, now, now).then(
    () => true,
    () => false,
  );
  if (there) return;
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}

const dangerous = ['exec', 'auth-provider', 'tokenFile', 'certificate-authority', 'client-certificate', 'client-key'];

/** A kubeconfig from a Secret must bring everything along: commands and files of the operator's machine are not for its author. */
function forbiddenIn(text: string): string | undefined {
  let config: unknown;
  try {
    config = parse(text, { maxAliasCount: 10 });
  } catch {
    return 'it is not YAML';
  }
  const { clusters, users } = (config ?? {}) as { readonly clusters?: unknown; readonly users?: unknown };
  if (!Array.isArray(clusters) || clusters.length === 0) return 'it is not a kubeconfig';
  const entries = [...(clusters as unknown[]), ...(Array.isArray(users) ? (users as unknown[]) : [])];
  for (const entry of entries) {
    const { cluster, user } = (entry ?? {}) as { readonly cluster?: object; readonly user?: object };
    const found = dangerous.find((field) => field in (cluster ?? {}) || field in (user ?? {}));
    if (found) return `"${found}" is not allowed here; put certificates and tokens into the kubeconfig itself`;
  }
  return undefined;
}

function withTarget(helm: Helm, extra: Partial<ReleaseTarget>): Helm {
  return {
    install: (options, signal) => helm.install({ ...options, ...extra }, signal),
    upgrade: (options, signal) => helm.upgrade({ ...options, ...extra }, signal),
    rollback: (options, signal) => helm.rollback({ ...options, ...extra }, signal),
    uninstall: (options, signal) => helm.uninstall({ ...options, ...extra }, signal),
    test: (options, signal) => helm.test({ ...options, ...extra }, signal),
    settled: (target) => helm.settled({ ...target, ...extra }),
    close: () => helm.close(),
  };
}
