import { type Closers, type Log, requiredSetting } from '@sluice/runtime';
import { createRedisQueues } from './redis-queues.ts';

/** Where the queues are that programs share. */
export const redisSettings = {
  redisUrl: requiredSetting({
    env: 'REDIS_URL',
    placeholder: 'URL',
    help: 'Redis that keeps accepted deliveries',
    pattern: /^(rediss?:\/\/|\/)/,
    wanted:
      'a URL like redis://host:6379 or the path of a socket (sluice up runs everything in one process and needs none)',
  }),
};

/** The queues on Redis of a program. Throws RedisSetupError. */
export async function openRedisQueues(url: string, { log, closers }: { readonly log: Log; readonly closers: Closers }) {
  const queues = await createRedisQueues({
    url,
    onError: (error) => log.warn('redis failure', { error }),
    onWarning: (warning) => log.warn('redis settings', { warning }),
  });
  closers.add(() => queues.close());
  return queues;
}
