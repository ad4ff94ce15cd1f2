import { mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { formatProblems } from '@sluice/model';
import { BinaryNotFound, createHelm, findHelm } from '@sluice/helm';
import { createKubeApi, httpTransport, KubeconfigError, loadKubeconfig } from '@sluice/kube';
import { createOciClient } from '@sluice/oci';
import { createLog, createMetrics, serveHttp, type HttpHandler, type MetricsRegistry } from '@sluice/runtime';
import { clusterAccess } from './cluster-access.ts';
import { parseConfig, usage, type MainConfig } from './config.ts';
import { start } from './start.ts';

const write = (text: string): void => void process.stderr.write(`${text}\n`);

if (process.argv.includes('--help')) {
  write(usage);
} else {
  const parsed = parseConfig(process.argv.slice(2), process.env);
  if (parsed.ok) await run(parsed.value);
  else {
    write(`${formatProblems(parsed.problems)}\n\n${usage}`);
    process.exitCode = 2;
  }
}

async function run(config: MainConfig): Promise<void> {
  const log = createLog({ level: config.logLevel });
  try {
    const path = config.kubeconfig ?? join(homedir(), '.kube', 'config');
    await stat(path).catch(() => {
      throw new KubeconfigError(`kubeconfig ${path} does not exist; name one with --kubeconfig or KUBECONFIG`);
    });
    const access = await loadKubeconfig({ path, env: process.env });
    const transport = httpTransport(access);
    await mkdir(config.dataDirectory, { recursive: true });
    const binary = await findHelm({ env: process.env, cacheDirectory: join(config.dataDirectory, 'bin') });
    log.info('helm found', { ...binary });
    const helm = await createHelm({
      binary: binary.path,
      kubeconfig: path,
      workDirectory: join(config.dataDirectory, 'helm'),
      concurrency: config.concurrency,
      log,
    });
    const artifactDirectory = join(config.dataDirectory, 'artifacts');
    const kube = createKubeApi({ transport, fieldManager: 'sluice-helm-operator' });
    const clusters = clusterAccess(access, join(config.dataDirectory, 'kubeconfigs'));
    const common = { clusters, oci: createOciClient, artifactDirectory, gitSearchPath: process.env['PATH'] ?? '' };
    const metrics = config.metrics ? await createMetrics() : undefined;
    const served = metrics && config.metrics && (await serveHttp(answer(metrics), config.metrics));
    if (served) log.info('metrics served', { url: served.url });
    const ports = { ...common, kube, helm, log, now: Date.now, ...(metrics ? { metrics } : {}) };
    const running = await start(config, ports);
    const stop = (): void => {
      void running
        .close()
        .then(() => served?.close())
        .then(() => transport.close())
        .then(() => process.exit(0));
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  } catch (error) {
    const wrongUse = error instanceof KubeconfigError || error instanceof BinaryNotFound;
    write(error instanceof Error ? error.message : String(error));
    process.exit(wrongUse ? 2 : 1);
  }
}

/** Figures for Prometheus, and whether the program lives. */
function answer(metrics: MetricsRegistry): HttpHandler {
  return async ({ path }) => {
    if (path === '/healthz') return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok\n' };
    if (path !== '/metrics') return { status: 404, headers: { 'content-type': 'text/plain' }, body: 'not found\n' };
    return { status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.text() };
  };
}
