#!/usr/bin/env node
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BinaryNotFound, createHelm, findHelm } from '@sluice/helm';
import { connectCluster, KubeconfigError } from '@sluice/kube';
import { createOciClient } from '@sluice/oci';
import { runProgram } from '@sluice/runtime';
import { clusterAccess } from './cluster-access.ts';
import { helmOperatorConfig, helmOperatorSettings } from './config.ts';
import { helmKubeconfig } from './helm-kubeconfig.ts';
import { start } from './start.ts';

await runProgram({
  name: 'helm-operator',
  description: 'makes Helm releases of HelmReleases',
  settings: helmOperatorSettings,
  isSetupError: (error) => error instanceof KubeconfigError || error instanceof BinaryNotFound,
  start: async ({ settings, log, closers, env, metrics }) => {
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
    const running = await start(config, {
      kube,
      helm,
      oci: createOciClient,
      clusters: clusterAccess(access, join(data, 'kubeconfigs')),
      artifactDirectory: join(data, 'artifacts'),
      gitSearchPath: env['PATH'] ?? '',
      log,
      now: Date.now,
      ...(metrics ? { metrics } : {}),
    });
    closers.add(() => running.close());
  },
});
