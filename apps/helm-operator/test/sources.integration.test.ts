import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createGitServer } from '@sluice/git-server';
import { makeTestRepository } from '@sluice/git/testing';
import { writeChart } from '@sluice/helm/testing';
import { findCondition, resources, type JsonObject, type KubeObject, type Resource, type Source } from '@sluice/model';
import { serveHttp, type Running } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  applyRelease,
  configMapChart,
  demoKey,
  eventually,
  getRelease,
  helmBinary,
  revisionsOf,
  startCluster,
  waitForCondition,
  type Cluster,
} from './cluster.ts';

const run = promisify(execFile);
const token = 'a-token-of-the-forge';

describe.skipIf(!helmBinary)('sources over loopback with a real helm (needs linux x64, or helm 4 on PATH)', () => {
  let cluster: Cluster;
  let operator: Running | undefined;
  let site: Site;

  beforeEach(async () => {
    cluster = await startCluster();
    site = await startSite(cluster);
    operator = await cluster.startOperator();
  });

  afterEach(async () => {
    await operator?.close();
    await site.close();
    await cluster.close();
  });

  const apply = (resource: Resource, name: string, spec: JsonObject): Promise<KubeObject> => {
    const { group, version, kind } = resource;
    const object = { apiVersion: `${group}/${version}`, kind, metadata: { namespace: 'apps', name }, spec };
    return cluster.kube.apply(resource, object, { fieldManager: 'test' });
  };
  const ready = (resource: Resource, name: string, status: string, words = ''): Promise<Source> =>
    eventually(async () => {
      const source = await cluster.kube.get<Source>(resource, { namespace: 'apps', name });
      const condition = findCondition(source?.status?.conditions, 'Ready');
      return condition?.status === status && condition.message.includes(words) ? source : undefined;
    });
  const fromTemplate = (sourceRef: JsonObject, more: JsonObject = {}, spec: JsonObject = {}): Promise<void> =>
    applyTemplate(cluster, { spec: { chart: 'demo', interval: '1h', sourceRef, ...more } }, spec);
  const color = async (): Promise<string | undefined> => {
    type Data = KubeObject & { readonly data?: Readonly<Record<string, string>> };
    return (await cluster.kube.get<Data>(resources.configMaps, { namespace: 'apps', name: 'demo-config' }))?.data?.[
      'color'
    ];
  };
  const requestAgain = (resource: Resource, name: string, value: string): Promise<KubeObject> =>
    cluster.kube.patch(
      resource,
      { namespace: 'apps', name },
      { type: 'merge', body: { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': value } } } },
    );

  test('spec.chart makes a HelmChart out of a chart repository, and a newer version in the index is an upgrade', async () => {
    await site.publish('1.0.0');
    await apply(resources.helmRepositories, 'charts', { interval: '1h', url: site.url });
    await fromTemplate({ kind: 'HelmRepository', name: 'charts' }, { version: '1.x' });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
    const release = await getRelease(cluster.kube);
    expect(release.status).toMatchObject({ helmChart: 'apps/apps-demo', lastAttemptedRevision: '1.0.0' });
    await site.publish('1.2.0');
    await site.publish('2.0.0');
    await requestAgain(resources.helmRepositories, 'charts', 'again');
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect((await getRelease(cluster.kube)).status?.lastAttemptedRevision).toBe('1.2.0');
    await cluster.kube.delete(resources.helmReleases, demoKey);
    await eventually(async () => ((await cluster.kube.get(resources.helmReleases, demoKey)) ? undefined : true));
    expect(await cluster.kube.get(resources.helmCharts, { namespace: 'apps', name: 'apps-demo' })).toBeUndefined();
  });

  test('an index that has not changed is not fetched again, also after a restart with the server gone', async () => {
    await site.publish('1.0.0');
    await apply(resources.helmRepositories, 'charts', { interval: '1h', url: site.url });
    await fromTemplate({ kind: 'HelmRepository', name: 'charts' });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    await requestAgain(resources.helmRepositories, 'charts', 'one');
    await eventually(async () => (site.answers.includes('304 /index.yaml') ? true : undefined));
    await operator?.close();
    await site.close();
    operator = await cluster.startOperator();
    await ready(resources.helmRepositories, 'charts', 'False', 'the artifact fetched before stays in use');
    await applyRelease(cluster.kube, { ...template('charts'), values: { color: 'blue' } });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
    expect(await color()).toBe('blue');
  });

  test('credentials come from a Secret, and a missing one is said', async () => {
    await site.publish('1.0.0');
    site.requirePassword('ada', 'secret');
    await apply(resources.helmRepositories, 'charts', { interval: '1h', url: site.url, secretRef: { name: 'login' } });
    await ready(resources.helmRepositories, 'charts', 'False', 'Secret apps/login does not exist');
    const data = {
      username: Buffer.from('ada').toString('base64'),
      password: Buffer.from('secret').toString('base64'),
    };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'apps', name: 'login' }, data };
    await cluster.kube.create(resources.secrets, secret as KubeObject);
    await requestAgain(resources.helmRepositories, 'charts', 'again');
    await ready(resources.helmRepositories, 'charts', 'True');
    await fromTemplate({ kind: 'HelmRepository', name: 'charts' });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    expect(site.answers).toContain('200 /demo-1.0.0.tgz');
  });

  test('a chart whose digest is not as the index says is refused, and the error says what to do', async () => {
    await site.publish('1.0.0');
    await writeFile(join(site.directory, 'demo-1.0.0.tgz'), 'something else');
    await apply(resources.helmRepositories, 'charts', { interval: '1h', url: site.url });
    await fromTemplate({ kind: 'HelmRepository', name: 'charts' });
    const chart = await ready(resources.helmCharts, 'apps-demo', 'False', 'the index says sha256:');
    expect(findCondition(chart.status?.conditions, 'Ready')?.reason).toBe('DigestMismatch');
  });

  test('an index that is too large or none at all is refused with what to do', async () => {
    await site.publish('1.0.0');
    site.padIndex(33 * 1024 * 1024);
    await apply(resources.helmRepositories, 'charts', { interval: '1h', url: site.url });
    await ready(resources.helmRepositories, 'charts', 'False', 'put the charts into an OCI registry');
    site.padIndex(0);
    await writeFile(join(site.directory, 'index.yaml'), '<html>');
    await requestAgain(resources.helmRepositories, 'charts', 'again');
    const refused = await ready(resources.helmRepositories, 'charts', 'False', 'is not an index');
    expect(refused.status?.artifact).toBeUndefined();
  });

  test('values files of a chart are merged into its values', async () => {
    await site.publish('1.0.0', { 'values-blue.yaml': 'color: blue\n' });
    await apply(resources.helmRepositories, 'charts', { interval: '1h', url: site.url });
    await fromTemplate(
      { kind: 'HelmRepository', name: 'charts' },
      { valuesFiles: ['values.yaml', 'values-blue.yaml'] },
    );
    await waitForCondition(cluster.kube, 'Ready', 'True');
    expect(await color()).toBe('blue');
  });

  test('a HelmRepository of type oci offers the charts of a registry', async () => {
    const { url } = await cluster.push(configMapChart, '1.0.0');
    const spec = { interval: '1h', type: 'oci', url: url.replace(/\/demo$/, '') };
    await apply(resources.helmRepositories, 'charts', spec);
    await fromTemplate({ kind: 'HelmRepository', name: 'charts' }, { version: '^1.0.0' });
    await waitForCondition(cluster.kube, 'Ready', 'True');
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 deployed']);
  });

  test('a chart out of git over HTTP is upgraded with each commit that changes it', async () => {
    const forge = await startForge(cluster);
    const repository = await makeTestRepository();
    const push = async (files: Record<string, string>): Promise<void> => {
      await repository.commit('change', files);
      await repository.git('push', '--quiet', forge.pushUrl, 'HEAD:main');
    };
    try {
      const metadata = 'apiVersion: v2\nname: demo\nversion: 1.0.0\n';
      const files = Object.entries({ ...configMapChart, 'Chart.yaml': metadata }).map(([name, text]) => [
        `deploy/chart/${name}`,
        text,
      ]);
      await push({ ...Object.fromEntries(files), 'notes.txt': 'left out', '.sourceignore': 'notes.txt\n' });
      await apply(resources.gitRepositories, 'code', { interval: '1h', url: forge.url, ref: { branch: 'main' } });
      await fromTemplate({ kind: 'GitRepository', name: 'code' }, { chart: './deploy/chart' });
      await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
      const source = await ready(resources.gitRepositories, 'code', 'True');
      const { path = '', revision } = source.status?.artifact ?? {};
      expect(revision).toMatch(/^main@sha1:[0-9a-f]{40}$/);
      const { stdout } = await run('tar', ['-tzf', join(cluster.scratch, 'artifacts', path)]);
      expect(stdout.split('\n')).toContain('deploy/chart/Chart.yaml');
      expect(stdout).not.toContain('notes.txt');
      await push({ 'deploy/chart/values.yaml': 'color: green\n' });
      await requestAgain(resources.gitRepositories, 'code', 'again');
      await waitForCondition(cluster.kube, 'Ready', 'True', 'UpgradeSucceeded');
      expect(await color()).toBe('green');
      expect((await getRelease(cluster.kube)).status?.lastAttemptedRevision).toMatch(/^1\.0\.0\+[0-9a-f]{12}$/);
      await apply(resources.gitRepositories, 'code', { interval: '1h', url: forge.url, ref: { tag: 'v9' } });
      await ready(resources.gitRepositories, 'code', 'False', 'has no tag v9');
    } finally {
      await repository.remove();
      await forge.close();
    }
  });

  test('an ExternalArtifact that somebody else publishes is fetched by its digest', async () => {
    await site.publish('1.0.0');
    const archive = await readFile(join(site.directory, 'demo-1.0.0.tgz'));
    const digest = `sha256:${createHash('sha256').update(archive).digest('hex')}`;
    await apply(resources.externalArtifacts, 'built', {});
    const publish = (claimed: string): Promise<KubeObject> => {
      const facts = { path: 'x', revision: '1.0.0', lastUpdateTime: '2026-01-01T00:00:00Z' };
      const artifact = { ...facts, url: `${site.url}/demo-1.0.0.tgz`, digest: claimed };
      const patch = { type: 'merge', body: { status: { artifact } } } as const;
      return cluster.kube.patch(resources.externalArtifacts, { namespace: 'apps', name: 'built' }, patch, {
        subresource: 'status',
      });
    };
    await publish(`sha256:${'0'.repeat(64)}`);
    await applyRelease(cluster.kube, { chartRef: { kind: 'ExternalArtifact', name: 'built' } });
    const waiting = await waitForCondition(cluster.kube, 'Ready', 'False', 'SourceNotReady');
    expect(findCondition(waiting.status?.conditions, 'Ready')?.message).toContain(`has digest ${digest}`);
    await publish(digest);
    await waitForCondition(cluster.kube, 'Ready', 'True');
  });
});

function template(name: string): JsonObject {
  const spec = { chart: 'demo', interval: '1h', sourceRef: { kind: 'HelmRepository', name } };
  return { chart: { spec }, chartRef: null };
}

function applyTemplate({ kube }: Cluster, chart: JsonObject, spec: JsonObject): Promise<void> {
  return applyRelease(kube, { chart, chartRef: null, ...spec });
}

type Site = {
  readonly url: string;
  readonly directory: string;
  readonly answers: readonly string[];
  publish(version: string, files?: Readonly<Record<string, string>>): Promise<void>;
  requirePassword(user: string, password: string): void;
  padIndex(bytes: number): void;
  close(): Promise<void>;
};

/** A static chart repository: files over HTTP with etags. */
async function startSite({ scratch }: Cluster): Promise<Site> {
  const directory = await mkdtemp(join(scratch, 'site-'));
  const answers: string[] = [];
  let login = '';
  let padding = 0;
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '/';
    const finish = (status: number, body?: Uint8Array, etag = ''): void => {
      answers.push(`${status} ${path}`);
      response.writeHead(status, etag ? { etag } : {}).end(body);
    };
    if (login && request.headers.authorization !== login) return finish(401);
    readFile(join(directory, path)).then(
      (file) => {
        const body = path === '/index.yaml' ? Buffer.concat([file, Buffer.alloc(padding, '#')]) : file;
        const etag = `"${createHash('sha256').update(body).digest('hex')}"`;
        return request.headers['if-none-match'] === etag ? finish(304, undefined, etag) : finish(200, body, etag);
      },
      () => finish(404),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    directory,
    answers,
    publish: async (version, files = {}) => {
      const chart = await mkdtemp(join(scratch, 'chart-'));
      await writeChart(chart, { ...configMapChart, ...files }, version);
      const env = { HOME: scratch, PATH: '/usr/bin:/bin' };
      await run(helmBinary ?? '', ['package', chart, '--destination', directory], { env });
      await run(helmBinary ?? '', ['repo', 'index', directory], { env });
      await rm(chart, { recursive: true });
    },
    requirePassword: (user, password) => {
      login = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    },
    padIndex: (bytes) => {
      padding = bytes;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** The local forge with one repository, for git over HTTP. */
async function startForge({ scratch }: Cluster) {
  let base = '';
  const directory = join(scratch, 'forge');
  await mkdir(directory, { recursive: true });
  const server = await createGitServer({ directory, store: memoryStore(), token, publicUrl: () => base });
  const http = await serveHttp(server.handle, { host: '127.0.0.1', port: 0 });
  base = http.url;
  await server.start();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ name: 'code', defaultBranch: 'main' });
  const made = await fetch(`${base}/api/v1/repos`, { method: 'POST', headers, body });
  if (!made.ok) throw new Error(`the forge answered ${made.status} ${await made.text()}`);
  return {
    url: `${base}/code.git`,
    pushUrl: `${base.replace('http://', `http://x:${token}@`)}/code.git`,
    close: async () => {
      await http.close(100);
      await server.close();
    },
  };
}
