#!/usr/bin/env node
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BinaryNotFound, createHelm, findHelm } from '@sluice/helm';
import { connectCluster, KubeconfigError } from '@sluice/kube';
import { createOciClient } from '@sluice/oci';
import { startElected } from '@sluice/reconcile';
import { reportingOf, runProgram } from '@sluice/runtime';
import { clusterAccess } from './cluster-access.ts';
import { helmOperatorConfig, helmOperatorSettings } from './config.ts';
import { helmKubeconfig } from './helm-kubeconfig.ts';
import { start } from './start.ts';

await runProgram({
  name: 'helm-operator',
  description: 'makes Helm releases of HelmReleases',
  settings: helmOperatorSettings,
  isSetupError: (error) => error instanceof KubeconfigError || error instanceof BinaryNotFound,
  start: async ({ settings, env, ...parts }) => {
    const { data } = settings;
    const { log } = parts;
    const kubeconfig = await helmKubeconfig({ kubeconfig: settings.kubeconfig, dataDirectory: data, env });
    const { kube, access } = await connectCluster(settings, { ...parts, env, fieldManager: 'sluice-helm-operator' });
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
    const ports = {
      helm,
      oci: createOciClient,
      clusters: clusterAccess(access, join(data, 'kubeconfigs')),
      artifactDirectory: join(data, 'artifacts'),
      gitSearchPath: env['PATH'] ?? '',
      log,
      now: Date.now,
      ...reportingOf(parts),
    };
    await startElected(settings, { ...parts, kube, start: (fenced) => start(config, { ...ports, kube: fenced }) });
  },
});
