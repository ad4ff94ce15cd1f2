import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { startControllerManager } from '@sluice/controller-manager';
import { createHelm, packageChart, readReleases, type Helm, type StoredSecret } from '@sluice/helm';
import { testHelmBinary, writeChart } from '@sluice/helm/testing';
import { createKubeApi, loadKubeconfig } from '@sluice/kube';
import {
  customResourceDefinitions,
  findCondition,
  resources,
  type HelmRelease,
  type JsonObject,
  type KubeObject,
} from '@sluice/model';
import { noImages, startNodeAgent, type NodeAgent } from '@sluice/node-agent';
import { createOciClient, pushChart } from '@sluice/oci';
import type { KubeApi } from '@sluice/reconcile';
import { createRegistry } from '@sluice/registry';
import { Closers, createLog, serveHttp, silentLog, type Running } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';
import { clusterAccess } from '../src/cluster-access.ts';
import type { HelmOperatorConfig } from '../src/config.ts';
import { start } from '../src/start.ts';

/** A cluster of the embedded API server, a registry, a real helm and the operator. */
export type Cluster = {
  readonly kube: KubeApi;
  readonly registry: string;
  readonly helm: Helm;
  readonly kubeconfig: string;
  readonly scratch: string;
  startOperator(config?: Partial<HelmOperatorConfig>): Promise<Running>;
  /** Start the controllers of the cluster and a node, so that pods really run (as plain processes). */
  startNode(): Promise<void>;
  /** Push a chart named demo; returns `oci://…` and the digest. */
  push(
    files: Readonly<Record<string, string>>,
    version: string,
  ): Promise<{ readonly url: string; readonly digest: string }>;
  close(): Promise<void>;
};

export const helmBinary = await testHelmBinary();

const log = process.env['SLUICE_TEST_LOG'] ? createLog({ level: 'debug' }) : silentLog;

export async function startCluster(): Promise<Cluster> {
  const closers = new Closers();
  const scratch = await mkdtemp(join(tmpdir(), 'helm-operator-'));
  closers.add(() => rm(scratch, { recursive: true, force: true }));
  const agents: NodeAgent[] = [];
  const api = await startApiServer({
    podLogs: (key, options) => {
      const [agent] = agents;
      if (!agent) throw new Error('no node was started');
      return agent.podLogs(key, options);
    },
    store: memoryStore(),
    host: '127.0.0.1',
    port: 0,
    directory: join(scratch, 'api'),
    log: silentLog,
    now: Date.now,
  });
  closers.add(() => api.close());
  const kube = createKubeApi({ transport: api.handle, fieldManager: 'test' });
  const kubeconfig = join(scratch, 'kubeconfig');
  await writeFile(kubeconfig, api.kubeconfig(), { mode: 0o600 });
  const registry = await createRegistry({ directory: join(scratch, 'registry'), log: silentLog });
  const server = await serveHttp(registry.handle, { host: '127.0.0.1', port: 0 });
  closers.add(() => server.close(100));
  const host = server.url.replace('http://', '');
  const newHelm = () =>
    createHelm({ binary: helmBinary ?? '', kubeconfig, workDirectory: join(scratch, 'helm'), graceMs: 5_000, log });
  const helm = await newHelm();
  await serveKinds(kube);
  await kube.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps' } });
  const oci = createOciClient();
  return {
    kube,
    registry: host,
    helm,
    kubeconfig,
    scratch,
    startNode: async () => {
      const manager = await startControllerManager({ kube, log: silentLog, ca: api.ca });
      closers.add(() => manager.close());
      const directory = join(scratch, 'node');
      const tools = { pathDirectories: ['/usr/bin', '/bin'], readOnlyPaths: [] };
      const agent = await startNodeAgent({
        kube,
        directory,
        runtime: 'process',
        images: noImages,
        tools,
        log: silentLog,
      });
      agents.push(agent);
      closers.add(() => agent.close());
    },
    startOperator: async (config = {}) =>
      start(
        { concurrency: 4, shutdownMs: 10_000, ...config },
        {
          kube,
          helm: await newHelm(),
          oci: createOciClient,
          artifactDirectory: join(scratch, 'artifacts'),
          clusters: clusterAccess(await loadKubeconfig({ path: kubeconfig, env: {} }), join(scratch, 'kubeconfigs')),
          log,
          now: Date.now,
        },
      ),
    push: async (files, version) => {
      const chartDirectory = await mkdtemp(join(scratch, 'chart-'));
      await mkdir(chartDirectory, { recursive: true });
      await writeChart(chartDirectory, files, version);
      const packaged = await packageChart({ binary: helmBinary ?? '', chartDirectory, mtimeSeconds: 1_700_000_000 });
      if (!packaged.ok) throw new Error(packaged.failure.message);
      const url = `oci://${host}/demo/charts/demo`;
      const { digest } = await pushChart(oci, url, { archive: packaged.archive, metadata: packaged.metadata });
      return { url, digest };
    },
    close: () => closers.close(),
  };
}

/** The definitions as they are shipped, so that what they refuse or drop shows in tests. */
async function serveKinds(kube: KubeApi): Promise<void> {
  const ours = customResourceDefinitions().filter(({ metadata }) => /fluxcd|chartkinds/.test(metadata.name));
  await Promise.all(ours.map((definition) => kube.create(resources.customResourceDefinitions, definition)));
  const kinds = Object.values(resources).filter(({ group, plural }) => /fluxcd/.test(group) || plural === 'chartkinds');
  for (const kind of kinds) await eventually(async () => (await kube.list(kind, {})).items);
}

/** Repeat until the check neither throws nor gives undefined; at most `timeoutMs`. */
export async function eventually<T>(check: () => Promise<T | undefined>, timeoutMs = 20_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await check();
      if (value !== undefined) return value;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw failure ?? new Error('what was waited for did not happen');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export const demoKey = { namespace: 'apps', name: 'demo' };

export async function applySource(
  kube: KubeApi,
  chart: { readonly url: string; readonly digest: string },
): Promise<void> {
  const spec = { interval: '1h', url: chart.url, ref: { digest: chart.digest } };
  const object = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'OCIRepository', metadata: demoKey, spec };
  await kube.apply(resources.ociRepositories, object, { fieldManager: 'test' });
}

export async function applyRelease(kube: KubeApi, spec: JsonObject): Promise<void> {
  const full = { interval: '1h', releaseName: 'demo', chartRef: { kind: 'OCIRepository', name: 'demo' }, ...spec };
  const object = { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease', metadata: demoKey, spec: full };
  await kube.apply(resources.helmReleases, object, { fieldManager: 'test' });
}

export async function getRelease(kube: KubeApi): Promise<HelmRelease> {
  const release = await kube.get<HelmRelease>(resources.helmReleases, demoKey);
  if (!release) throw new Error('the HelmRelease is gone');
  return release;
}

/** Wait until a condition of the HelmRelease, observed for its present generation, is as wanted. */
export async function waitForCondition(
  kube: KubeApi,
  type: string,
  status: string,
  reason?: string,
): Promise<HelmRelease> {
  let last: HelmRelease | undefined;
  try {
    return await eventually(async () => {
      last = await getRelease(kube);
      const condition = findCondition(last.status?.conditions, type);
      const fits = condition?.status === status && (!reason || condition.reason === reason);
      return fits && condition.observedGeneration === last.metadata.generation ? last : undefined;
    });
  } catch {
    throw new Error(`${type} did not become ${status} ${reason ?? ''}: ${JSON.stringify(last?.status, undefined, 1)}`);
  }
}

export type Data = KubeObject & { readonly data?: Readonly<Record<string, string>> };

export const configMapChart = {
  'values.yaml': 'color: red\n',
  'templates/config.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-config\ndata:\n  color: {{ .Values.color | quote }}\n',
};

/** As above, with a Deployment that nobody makes ready. */
export const stuckChart = {
  ...configMapChart,
  'templates/app.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-app
spec:
  replicas: 1
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec: { containers: [{ name: app, image: none }] }
`,
};

/** What the controllers of a cluster would report for the Deployment of {@link stuckChart} once its pod is ready. */
export async function makeReady(kube: KubeApi): Promise<void> {
  const key = { namespace: 'apps', name: 'demo-app' };
  const deployment = await eventually(() => kube.get(resources.deployments, key));
  const status = {
    observedGeneration: deployment.metadata.generation,
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
    conditions: [
      { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
    ],
  };
  await kube.patch(resources.deployments, key, { type: 'merge', body: { status } }, { subresource: 'status' });
}

/** `v1 deployed` and so on, as helm's records say, oldest first. */
export async function revisionsOf(kube: KubeApi, name = 'demo'): Promise<readonly string[]> {
  const options = { namespace: 'apps', labelSelector: `owner=helm,name=${name}` };
  const { items } = await kube.list<StoredSecret>(resources.secrets, options);
  return readReleases(items)
    .map(({ version, status }) => `v${version} ${status}`)
    .toReversed();
}
