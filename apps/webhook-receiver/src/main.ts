#!/usr/bin/env node
import { deliveriesQueue, parseDeliveryJob } from '@sluice/events';
import { connectCluster, KubeconfigError } from '@sluice/kube';
import { openRedisQueues, RedisSetupError } from '@sluice/queue';
import { ListenError, runProgram } from '@sluice/runtime';
import { receiverConfig, receiverSettings } from './config.ts';
import { start } from './receiver.ts';

await runProgram({
  name: 'webhook-receiver',
  description: 'takes webhooks of forges and keeps them for the orchestrator',
  settings: receiverSettings,
  isSetupError: (error) =>
    error instanceof KubeconfigError || error instanceof RedisSetupError || error instanceof ListenError,
  start: async ({ settings, env, ...parts }) => {
    const { log, closers } = parts;
    const { kube } = await connectCluster(settings, { ...parts, env, fieldManager: 'sluice-webhook-receiver' });
    const queues = await openRedisQueues(settings.redisUrl, { log, closers });
    const deliveries = queues.queue(deliveriesQueue, parseDeliveryJob);
    const receiver = await start(receiverConfig(settings), { kube, deliveries, log, now: Date.now });
    closers.add(() => receiver.close());
    log.info('listening', { url: receiver.url });
  },
});
