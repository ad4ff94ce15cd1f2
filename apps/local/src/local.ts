import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { type ApiServer, startApiServer } from '@sluice/apiserver';
import { createArtifactMover } from '@sluice/artifacts';
import { startControllerManager } from '@sluice/controller-manager';
import { findGit } from '@sluice/git';
import { createGitServer } from '@sluice/git-server';
import { type ExecutorPorts, taskPort } from '@sluice/executor';
import { createKubeApi, httpTransport } from '@sluice/kube';
import { type NodeAgent, startNodeAgent, startServiceProxy } from '@sluice/node-agent';
import { createInformerSet, type InformerSet, type KubeApi } from '@sluice/reconcile';
import { createRegistry } from '@sluice/registry';
import { Closers, type HttpServer, type Log, type Running, Secret, serveHttp } from '@sluice/runtime';
import { openStore, type Store } from '@sluice/store';
import { clusterNames } from './cluster-names.ts';
import type { LocalConfig } from './config.ts';
import type { Context } from './context.ts';
import { ensureCustomResources } from './custom-resources.ts';
import { cacheDirectory, type DataDirectory, formatVersion, openDataDirectory } from './data-directory.ts';
import { chooseNetwork, type Network } from './network.ts';
import { startPlatform } from './platform.ts';
import { refreshRepositories } from './refresh-repositories.ts';
import { startRegistryCleaning } from './registry-cleaning.ts';
import { registryImages } from './registry-images.ts';
import { fillToolsDirectory, type Tools } from './tools-directory.ts';

export type LocalPorts = { readonly log: Log; readonly now: () => number };

/** The embedded cluster with every Sluice app on it. */
export type Local = Running & {
  readonly context: Context;
  readonly kube: KubeApi;
  /** From the call to the moment when everything takes requests. */
  readonly readyMs: number;
  /** Why pods run as they do, for people. */
  readonly runtimeReason: string;
  /** kubectl, helm, sluice and node as pods see them. */
  readonly binDirectory: string;
};

/** What the parts of the cluster are built from. */
export type Foundation = {
  readonly config: LocalConfig;
  readonly data: DataDirectory;
  readonly network: Network;
  readonly store: Store;
  readonly kube: KubeApi;
  readonly informers: InformerSet;
  readonly log: Log;
  readonly now: () => number;
  readonly closers: Closers;
};

/**
 * Start everything over one data directory. Throws DataDirectoryError, ListenError, TerminalError (no usable git) or
 * NewerFormatError; what was started until then is stopped again.
 */
export async function startLocal(config: LocalConfig, { log, now }: LocalPorts): Promise<Local> {
  const startedAt = now();
  const closers = new Closers();
  try {
    const git = await findGit({ path: config.env['PATH'] ?? '' });
    const data = openDataDirectory(config.directory);
    closers.add(() => data.release());
    const network = await chooseNetwork(data, Math.random);
    closers.add(() => network.release());
    const store = await openStore({ directory: data.directory('store'), formatVersion });
    closers.add(() => store.close());
    const cluster = await startCluster({ config, data, network, store, log, now, closers }, git.binary);
    const { kube, api, registryUrl, agent, tools } = cluster;
    const token = ensureToken(data);
    const forge = await startForge(cluster.foundation, git.binary, token);
    const receiverUrl = config.clusterOnly
      ? `http://${config.host}:${config.ports.receiver}`
      : await startPlatform(cluster.foundation, {
          kubeconfig: data.file('kubeconfig'),
          registryUrl,
          token: new Secret(token),
        });
    await forge.start();
    const context: Context = {
      version: 1,
      pid: process.pid,
      kubeconfig: data.file('kubeconfig'),
      apiUrl: api.url,
      gitUrl: forge.url,
      forgeUrl: forge.url,
      registryUrl,
      receiverUrl,
      runtime: agent.runtime,
      token,
    };
    data.writePrivate('context.json', `${JSON.stringify(context, null, 2)}\n`);
    await refreshRepositories(kube, context);
    const readyMs = now() - startedAt;
    log.info('ready', { readyMs, runtime: agent.runtime });
    const { binDirectory } = tools;
    return { context, kube, readyMs, runtimeReason: agent.reason, binDirectory, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

type Cluster = {
  readonly foundation: Foundation;
  readonly kube: KubeApi;
  readonly api: ApiServer;
  readonly registryUrl: string;
  readonly agent: NodeAgent;
  readonly tools: Tools;
};

/** API server, registry, the cluster's own controllers and the node. */
async function startCluster(parts: Omit<Foundation, 'kube' | 'informers'>, gitBinary: string): Promise<Cluster> {
  const { config, data, network, store, log, now, closers } = parts;
  let agent: NodeAgent | undefined;
  const startedNode = (): NodeAgent => {
    if (!agent) throw new Error('the node has not started yet');
    return agent;
  };
  const api = await startApiServer({
    store,
    host: config.host,
    port: config.ports.api,
    serviceNetwork: network.services,
    directory: data.directory('pki'),
    podLogs: (pod, options) => startedNode().podLogs(pod, options),
    podSessions: {
      exec: async (pod, options, streams) => startedNode().sessions.exec(pod, options, streams),
      attach: async (pod, options, streams) => startedNode().sessions.attach(pod, options, streams),
      forward: async (pod, port) => startedNode().sessions.forward(pod, port),
    },
    log: log.with({ part: 'apiserver' }),
    now,
  });
  closers.add(() => api.close());
  data.writePrivate('kubeconfig', api.kubeconfig());
  const kube = createKubeApi({ transport: api.handle });
  const informers = createInformerSet(kube, { log });
  closers.add(() => informers.close());
  await ensureCustomResources(kube, (text) => createHash('sha256').update(text).digest('hex').slice(0, 16));

  const registry = await createRegistry({
    directory: data.directory('registry'),
    log: log.with({ part: 'registry' }),
    now,
  });
  closers.add(() => registry.close());
  const registryServer = await serveHttp(registry.handle, {
    host: config.host,
    port: config.ports.registry,
    onError: onError(log),
  });
  closers.add(() => registryServer.close());
  const cleaning = startRegistryCleaning(registry, log.with({ part: 'registry' }));
  closers.add(() => cleaning.close());

  const tools = fillToolsDirectory(data.directory('bin'));
  const containerdAddress = config.env['CONTAINERD_ADDRESS'];
  const resolveHost = clusterNames(informers);
  const artifacts = createArtifactMover({
    directory: data.directory('workflow-artifacts'),
    scratch: data.directory('scratch'),
    gitBinary,
    resolveHost,
  });
  agent = await startNodeAgent({
    kube,
    informers,
    directory: data.path,
    runtime: config.runtime,
    ...(containerdAddress ? { containerdAddress } : {}),
    podNetwork: network.pods,
    images: registryImages(registry, hostOf(registryServer)),
    tasks: taskPort({ connect: apiAs(api), artifacts, resolveHost }),
    artifacts,
    tools: {
      pathDirectories: [tools.binDirectory],
      readOnlyPaths: [...tools.readOnlyPaths, cacheDirectory(config.env)],
    },
    environment: { SLUICE_CACHE: cacheDirectory(config.env) },
    log: log.with({ part: 'node' }),
    now,
  });
  const node = agent;
  closers.add(() => node.close());
  const proxy = await startServiceProxy({ kube, informers, log: log.with({ part: 'proxy' }), now });
  closers.add(() => proxy.close());
  const controllers = await startControllerManager({ kube, ca: api.ca, log, now });
  closers.add(() => controllers.close());
  return { foundation: { ...parts, kube, informers }, kube, api, registryUrl: registryServer.url, agent, tools };
}

/** The API over its own address, as the bearer of a token: a step may no more than its service account. */
export function apiAs({ url, ca }: Pick<ApiServer, 'url' | 'ca'>): ExecutorPorts['connect'] {
  return (token) => httpTransport({ server: url, ca, token });
}

/** The local forge: git over HTTP, pull requests, checks. */
async function startForge(
  foundation: Foundation,
  gitBinary: string,
  token: string,
): Promise<{ url: string; start(): Promise<void> }> {
  const { config, data, store, log, now, closers } = foundation;
  let url = '';
  const forge = await createGitServer({
    directory: data.directory('git'),
    store,
    token,
    gitBinary,
    publicUrl: () => url,
    log: log.with({ part: 'forge' }),
    now,
  });
  closers.add(() => forge.close());
  const server = await serveHttp(forge.handle, { host: config.host, port: config.ports.forge, onError: onError(log) });
  closers.add(() => server.close());
  url = server.url;
  return { url, start: () => forge.start() };
}

/** The forge's token, made once for a data directory. */
function ensureToken(data: DataDirectory): string {
  const file = data.file('forge-token');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const token = randomBytes(24).toString('hex');
  data.writePrivate('forge-token', `${token}\n`);
  return token;
}

/** `127.0.0.1:7050`. */
export function hostOf(server: Pick<HttpServer, 'url'>): string {
  return new URL(server.url).host;
}

function onError(log: Log): (error: unknown) => void {
  return (error) => log.error('request failed', { error });
}
