#!/usr/bin/env node
import { join } from 'node:path';
import { createKubeApi, httpTransport, KubeconfigError, loadKubeconfig } from '@sluice/kube';
import { TerminalError } from '@sluice/model';
import { createRedisQueues, RedisSetupError } from '@sluice/queue';
import { Closers, createLog, type Log } from '@sluice/runtime';
import { connectForge, connectMirrors } from './adapters.ts';
import { configMessage, parseConfig, type ProgramConfig } from './config.ts';
import { deliveriesQueue, parseDeliveryJob } from '@sluice/events';
import { start } from './start.ts';

/** Everything that the program is made of. */
async function run(config: ProgramConfig, log: Log): Promise<Closers> {
  const closers = new Closers();
  try {
    const mirrors = await connectMirrors({
      directory: join(config.dataDir, 'mirrors'),
      path: process.env['PATH'] ?? '',
      privateHosts: config.privateHosts,
      log,
    });
    const transport = httpTransport(await loadKubeconfig({ env: process.env }));
    closers.add(() => transport.close());
    const queues = await createRedisQueues({
      url: config.redisUrl,
      onError: (error) => log.warn('redis failure', { error }),
      onWarning: (warning) => log.warn('redis settings', { warning }),
    });
    closers.add(() => queues.close());
    const running = await start(config.orchestrator, {
      kube: createKubeApi({ transport, fieldManager: 'sluice-orchestrator' }),
      deliveries: queues.queue(deliveriesQueue, parseDeliveryJob),
      forges: connectForge,
      mirrors,
      log,
      now: Date.now,
    });
    closers.add(() => running.close());
    return closers;
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function main(): Promise<void> {
  const config = parseConfig(process.env);
  if (!config.ok) {
    process.stderr.write(configMessage(config.problems));
    process.exitCode = 2;
    return;
  }
  const log = createLog({ level: config.value.logLevel });
  try {
    const closers = await run(config.value, log);
    let stopping = false;
    const stop = (signal: string): void => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info('orchestrator stopping', { signal });
      void closers.close().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error('orchestrator did not stop cleanly', { error });
          process.exit(1);
        },
      );
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  } catch (error) {
    const known =
      error instanceof RedisSetupError || error instanceof KubeconfigError || error instanceof TerminalError;
    if (!known) throw error;
    process.stderr.write(`sluice-orchestrator cannot start: ${error.message}\n`);
    process.exitCode = 2;
  }
}

await main();
