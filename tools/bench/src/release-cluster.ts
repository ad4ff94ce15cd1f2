import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { findHelm, packageChart } from '@sluice/helm';
import { createKubeApi } from '@sluice/kube';
import { apiVersionOf, customResourceDefinitions, resources, type KubeObject } from '@sluice/model';
import { createOciClient, pushChart } from '@sluice/oci';
import type { KubeApi } from '@sluice/reconcile';
import { createRegistry } from '@sluice/registry';
import { Closers, serveHttp, silentLog, type HttpHandler } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';

/** An API server, a registry with one chart of ten ConfigMaps, and helm. Every request of our own clients is counted. */
export type ReleaseCluster = {
  readonly kube: KubeApi;
  readonly kubeconfig: string;
  readonly helm: string;
  readonly directory: string;
  readonly chartDirectory: string;
  readonly chart: { readonly url: string; readonly digest: string };
  /** Requests by method since the start. */
  readonly requests: Map<string, number>;
  /** Called with the path of each request from now on. */
  watch(onRequest: (path: string) => void): void;
  close(): Promise<void>;
};

const object = (index: number): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}-${index}" }\ndata: { color: "{{ .Values.color }}" }\n`;

/** Start it. Throws where there is no helm. */
export async function startReleaseCluster(): Promise<ReleaseCluster> {
  const closers = new Closers();
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  closers.add(() => rm(directory, { recursive: true, force: true }));
  const binary = await findHelm({ env: process.env, cacheDirectory: join(directory, 'bin') });
  const api = await startApiServer({
    store: memoryStore(),
    host: '127.0.0.1',
    port: 0,
    directory: join(directory, 'api'),
    log: silentLog,
    now: Date.now,
  });
  closers.add(() => api.close());
  const requests = new Map<string, number>();
  let onRequest: (path: string) => void = () => undefined;
  const counted: HttpHandler = (request) => {
    requests.set(request.method, (requests.get(request.method) ?? 0) + 1);
    onRequest(request.path);
    return api.handle(request);
  };
  const kube = createKubeApi({ transport: counted, fieldManager: 'bench' });
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, api.kubeconfig(), { mode: 0o600 });
  await Promise.all(
    customResourceDefinitions().map((crd) => kube.create(resources.customResourceDefinitions, crd as KubeObject)),
  );
  const registry = await createRegistry({ directory: join(directory, 'registry'), log: silentLog });
  const server = await serveHttp(registry.handle, { host: '127.0.0.1', port: 0 });
  closers.add(() => server.close(100));
  const chartDirectory = join(directory, 'chart');
  await writeChart(chartDirectory);
  const packaged = await packageChart({ binary: binary.path, chartDirectory, mtimeSeconds: 1_700_000_000 });
  if (!packaged.ok) throw new Error(packaged.failure.message);
  const url = `oci://${new URL(server.url).host}/charts/ten`;
  const { archive, metadata } = packaged;
  const { digest } = await pushChart(createOciClient(), url, { archive, metadata });
  return {
    kube,
    kubeconfig,
    helm: binary.path,
    directory,
    chartDirectory,
    chart: { url, digest },
    requests,
    watch: (callback) => void (onRequest = callback),
    close: () => closers.close(),
  };
}

async function writeChart(directory: string): Promise<void> {
  await mkdir(join(directory, 'templates'), { recursive: true });
  await writeFile(join(directory, 'Chart.yaml'), 'apiVersion: v2\nname: ten\nversion: 1.0.0\n');
  await writeFile(join(directory, 'values.yaml'), 'color: red\n');
  const objects = Array.from({ length: 10 }, (_, index) => object(index)).join('---\n');
  await writeFile(join(directory, 'templates', 'all.yaml'), objects);
}

/** A HelmRelease of the chart. */
export function releaseOf(name: string): KubeObject {
  return {
    apiVersion: apiVersionOf(resources.helmReleases),
    kind: 'HelmRelease',
    metadata: { name, namespace: 'default' },
    spec: { interval: '24h', chartRef: { kind: 'OCIRepository', name: 'ten' } },
  };
}

/** The source of the chart. */
export function sourceOf({ chart }: ReleaseCluster): KubeObject {
  return {
    apiVersion: apiVersionOf(resources.ociRepositories),
    kind: 'OCIRepository',
    metadata: { name: 'ten', namespace: 'default' },
    spec: { interval: '24h', url: chart.url, ref: { digest: chart.digest } },
  };
}
