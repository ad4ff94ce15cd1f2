import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { startControllerManager } from '@sluice/controller-manager';
import { createKubeApi, httpTransport } from '@sluice/kube';
import { type KubeObject, type Resource, resources } from '@sluice/model';
import { type NodeAgent, noImages, startNodeAgent } from '@sluice/node-agent';
import type { KubeApi } from '@sluice/reconcile';
import { Closers, createLog, type Log, type Running, silentLog } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';
import { applyDefinitions } from '@sluice/reconcile';
import { accessResources, buildAccessManifests, buildDefinitions, toYaml } from '../manifests.ts';
import { type Operator, start } from '../operator.ts';

export type TestClusterOptions = {
  /** Run pods, as plain processes of this machine. Without it they are made and stay Pending. */
  readonly pods?: boolean;
  /** Write what the operator logs to standard error. */
  readonly log?: boolean;
};

/** A Kubernetes cluster in this process: the embedded API server and the controllers of a cluster. Nothing outlives `close`. */
export type TestCluster = Running & {
  /** As the administrator. */
  readonly kube: KubeApi;
  /** File of the administrator's kubeconfig, for kubectl. */
  readonly kubeconfig: string;
  /** Serve the kinds of an operator, and give its service account exactly its roles. `only`: rights in this namespace alone. */
  install(operator: Operator, options?: { readonly namespace?: string; readonly only?: string }): Promise<void>;
  /** The API as the service account of an installed operator sees it. */
  as(operator: Operator): Promise<KubeApi>;
  /** A kubeconfig for that service account; the name of a file. */
  kubeconfigOf(operator: Operator): Promise<string>;
  /** Install an operator and start it, under its own service account. It ends with the cluster, if not before. */
  start(operator: Operator, options?: { readonly only?: string }): Promise<Running>;
};

const home = 'operators';

/** Start a cluster for tests and trying things out. Takes a second or two. */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const closers = new Closers();
  const log = options.log ? createLog({ level: 'info' }) : silentLog;
  const directory = await mkdtemp(join(tmpdir(), 'sluice-cluster-'));
  closers.add(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  try {
    return await launch(directory, { ...options, closers, operatorLog: log });
  } catch (error) {
    await closers.close();
    throw error;
  }
}

type Parts = TestClusterOptions & { readonly closers: Closers; readonly operatorLog: Log };

async function launch(directory: string, { pods, closers, operatorLog }: Parts): Promise<TestCluster> {
  const agents: NodeAgent[] = [];
  const agent = (): NodeAgent => {
    const [first] = agents;
    if (!first) throw new Error('no node: start the cluster with { pods: true }');
    return first;
  };
  const api = await startApiServer({
    store: memoryStore(),
    host: '127.0.0.1',
    port: 0,
    directory: join(directory, 'pki'),
    log: silentLog,
    now: Date.now,
    podLogs: (key, logOptions) => agent().podLogs(key, logOptions),
  });
  closers.add(() => api.close());
  const kube = createKubeApi({ transport: api.handle, fieldManager: 'test' });
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, api.kubeconfig(), { mode: 0o600 });
  const manager = await startControllerManager({ kube, log: silentLog, ca: api.ca });
  closers.add(() => manager.close());
  if (pods) agents.push(await startNode(kube, join(directory, 'node'), closers));

  const tokenOf = async (operator: Operator): Promise<string> => {
    const metadata = { namespace: home, name: operator.name };
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata, spec: {} };
    const { status } = (await kube.create(resources.serviceAccounts, request, { subresource: 'token' })) as KubeObject<
      unknown,
      { readonly token?: string }
    >;
    if (!status?.token) throw new Error(`no token for ${operator.name}: call install first`);
    return status.token;
  };
  const install: TestCluster['install'] = async (operator, { namespace = home, only } = {}) => {
    for (const name of new Set([namespace, ...(only ? [only] : [])])) {
      await kube.apply(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, manages);
    }
    await applyDefinitions(kube, buildDefinitions(operator), manages);
    for (const manifest of buildAccessManifests(operator, { namespace, ...(only && { only }) })) {
      await kube.apply(accessResources[manifest.kind] as Resource, manifest, manages);
    }
  };
  const as: TestCluster['as'] = async (operator) => {
    const transport = httpTransport({ server: api.url, ca: api.ca, token: await tokenOf(operator) });
    closers.add(() => transport.close());
    return createKubeApi({ transport, fieldManager: operator.name });
  };
  return {
    kube,
    kubeconfig,
    install,
    as,
    async kubeconfigOf(operator) {
      const file = join(directory, `${operator.name}.kubeconfig`);
      const entries = { server: api.url, 'certificate-authority-data': Buffer.from(api.ca).toString('base64') };
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'operator',
        clusters: [{ name: 'operator', cluster: entries }],
        users: [{ name: 'operator', user: { token: await tokenOf(operator) } }],
        contexts: [{ name: 'operator', context: { cluster: 'operator', user: 'operator', namespace: home } }],
      };
      await writeFile(file, await toYaml([config]), { mode: 0o600 });
      return file;
    },
    async start(operator, { only } = {}) {
      await install(operator, { ...(only && { only }) });
      const running = await start(operator, {
        kube: await as(operator),
        log: operatorLog,
        ...(only && { namespace: only }),
        leaderElection: { lease: { namespace: home, name: operator.name }, identity: `test-${process.pid}` },
      });
      let open = true;
      const close = async (): Promise<void> => {
        if (!open) return;
        open = false;
        await running.close();
      };
      closers.add(close);
      return { close };
    },
    close: () => closers.close(),
  };
}

const manages = { fieldManager: 'test' };

async function startNode(kube: KubeApi, directory: string, closers: Closers): Promise<NodeAgent> {
  const agent = await startNodeAgent({
    kube,
    directory,
    runtime: 'process',
    images: noImages,
    tools: { pathDirectories: [dirname(process.execPath), '/usr/bin', '/bin'], readOnlyPaths: [] },
    log: silentLog,
  });
  closers.add(() => agent.close());
  return agent;
}
