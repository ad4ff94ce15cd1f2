#!/usr/bin/env node
import { join } from 'node:path';
import { deliveriesQueue, parseDeliveryJob } from '@sluice/events';
import { connectCluster, KubeconfigError } from '@sluice/kube';
import { TerminalError } from '@sluice/model';
import { openRedisQueues, RedisSetupError } from '@sluice/queue';
import { startElected } from '@sluice/reconcile';
import { reportingOf, runProgram } from '@sluice/runtime';
import { connectMirrors, createForges } from './adapters.ts';
import { orchestratorConfig, orchestratorSettings } from './config.ts';
import { start } from './start.ts';

await runProgram({
  name: 'orchestrator',
  description: 'turns deliveries into runs, runs into releases, and reports both',
  settings: orchestratorSettings,
  isSetupError: (error) =>
    error instanceof KubeconfigError || error instanceof RedisSetupError || error instanceof TerminalError,
  start: async ({ settings, env, ...parts }) => {
    const { log, closers } = parts;
    const mirrors = await connectMirrors({
      directory: join(settings.data ?? '/var/lib/sluice', 'mirrors'),
      path: env['PATH'] ?? '',
      privateHosts: settings.privateHosts,
      log,
    });
    const { kube } = await connectCluster(settings, { ...parts, env, fieldManager: 'sluice-orchestrator' });
    const queues = await openRedisQueues(settings.redisUrl, { log, closers });
    const deliveries = queues.queue(deliveriesQueue, parseDeliveryJob);
    const ports = { deliveries, forges: createForges(Date.now), mirrors, log, now: Date.now, ...reportingOf(parts) };
    const config = orchestratorConfig(settings);
    await startElected(settings, { ...parts, kube, start: (fenced) => start(config, { ...ports, kube: fenced }) });
  },
});
