#!/usr/bin/env node
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BinaryNotFound, createHelm, findHelm } from '@sluice/helm';
import { connectCluster, KubeconfigError } from '@sluice/kube';
import { createOciClient } from '@sluice/oci';
import { createMetrics, type HttpHandler, type MetricsRegistry, runProgram, serveHttp } from '@sluice/runtime';
import { clusterAccess } from './cluster-access.ts';
import { helmOperatorConfig, helmOperatorSettings } from './config.ts';
import { helmKubeconfig } from './helm-kubeconfig.ts';
import { start } from './start.ts';

await runProgram({
  name: 'helm-operator',
  description: 'makes Helm releases of HelmReleases',
  settings: helmOperatorSettings,
  isSetupError: (error) => error instanceof KubeconfigError || error instanceof BinaryNotFound,
  start: async ({ settings, log, closers, env }) => {
    const { data } = settings;
    const kubeconfig = await helmKubeconfig({ kubeconfig: settings.kubeconfig, dataDirectory: data, env });
    const { kube, access } = await connectCluster(settings, { env, closers, fieldManager: 'sluice-helm-operator' });
    await mkdir(data, { recursive: true });
    const binary = await findHelm({ env, cacheDirectory: join(data, 'bin') });
    log.info('helm found', { ...binary });
    const config = helmOperatorConfig(settings);
    const helm = await createHelm({
      binary: binary.path,
      kubeconfig,
      workDirectory: join(data, 'helm'),
      concurrency: config.concurrency,
      log,
    });
    const metrics = settings.metrics && (await createMetrics());
    const running = await start(config, {
      ...(metrics ? { metrics } : {}),
      kube,
      helm,
      oci: createOciClient,
      clusters: clusterAccess(access, join(data, 'kubeconfigs')),
      artifactDirectory: join(data, 'artifacts'),
      gitSearchPath: env['PATH'] ?? '',
      log,
      now: Date.now,
    });
    closers.add(() => running.close());
    if (!metrics || !settings.metrics) return;
    const served = await serveHttp(answer(metrics), settings.metrics);
    closers.add(() => served.close());
    log.info('metrics served', { url: served.url });
  },
});

/** Figures for Prometheus, and whether the program lives. */
function answer(metrics: MetricsRegistry): HttpHandler {
  return async ({ path }) => {
    if (path === '/healthz') return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok\n' };
    if (path !== '/metrics') return { status: 404, headers: { 'content-type': 'text/plain' }, body: 'not found\n' };
    return { status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.text() };
  };
}
