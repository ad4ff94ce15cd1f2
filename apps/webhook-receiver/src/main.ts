import { createKubeApi, httpTransport, KubeconfigError, loadKubeconfig } from '@sluice/kube';
import { formatProblems } from '@sluice/model';
import { createRedisQueues, RedisSetupError } from '@sluice/queue';
import { Closers, createLog, ListenError } from '@sluice/runtime';
import { parseConfig, type ReceiverSettings } from './config.ts';
import { deliveriesQueue, parseDeliveryJob } from '@sluice/events';
import { start } from './receiver.ts';

async function main(settings: ReceiverSettings): Promise<void> {
  const log = createLog({ level: settings.logLevel });
  const closers = new Closers();
  const access = await loadKubeconfig({
    env: process.env,
    ...(settings.kubeconfig === undefined ? {} : { path: settings.kubeconfig }),
  });
  const transport = httpTransport(access);
  closers.add(() => transport.close());
  const queues = await createRedisQueues({
    url: settings.redisUrl.reveal(),
    onError: (error) => log.warn('redis connection failed, going on', { error }),
    onWarning: (warning) => log.warn('redis is set up weakly', { warning }),
  });
  closers.add(() => queues.close());
  const receiver = await start(settings.receiver, {
    kube: createKubeApi({ transport }),
    deliveries: queues.queue(deliveriesQueue, parseDeliveryJob),
    log,
    now: Date.now,
  });
  closers.add(() => receiver.close());
  log.info('listening', { url: receiver.url });
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await closers.close();
}

const settings = parseConfig(process.argv.slice(2), process.env);
if (settings.ok) {
  main(settings.value).catch((error: unknown) => {
    const isForPeople =
      error instanceof KubeconfigError || error instanceof RedisSetupError || error instanceof ListenError;
    const text = isForPeople ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`webhook-receiver: ${text}\n`);
    process.exit(isForPeople ? 2 : 1);
  });
} else {
  process.stderr.write(`${formatProblems(settings.problems)}\n`);
  process.exitCode = 2;
}
