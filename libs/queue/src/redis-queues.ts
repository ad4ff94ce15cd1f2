import type { Result } from '@sluice/model';
import type { Redis } from 'ioredis';
import { checkQueueName, type Queue, type Queues } from './queue.ts';
import { checkRedis, RedisSetupError } from './redis-check.ts';
import type { RedisQueue } from './redis-queue.ts';

export type RedisQueuesOptions = {
  /** `redis://…`, `rediss://…` or the path of a socket. */
  readonly url: string;
  /** Begins every key. Default `sluice`. */
  readonly prefix?: string;
  /** Time after which a job whose worker has died may be run by another. Default 30 s. */
  readonly lockMs?: number;
  readonly connectTimeoutMs?: number;
  /** Told about lost connections; they are made anew. */
  readonly onError?: (error: unknown) => void;
  /** Told about settings of Redis that weaken what the queues promise. */
  readonly onWarning?: (warning: string) => void;
};

/** Queues on Redis. Throws RedisSetupError when Redis cannot be reached or would lose jobs. */
export async function createRedisQueues(options: RedisQueuesOptions): Promise<Queues & { kill(): void }> {
  const { url, prefix = 'sluice', lockMs = 30_000, onError = () => {}, onWarning = () => {} } = options;
  const connectTimeout = options.connectTimeoutMs ?? 10_000;
  // Loaded here, so that those who run without Redis do not wait for it.
  const [{ Redis: RedisClient }, { RedisQueue: RedisQueueClass }] = await Promise.all([
    import('ioredis'),
    import('./redis-queue.ts'),
  ]);
  const connect = (): Redis => {
    // Workers wait for ever on their connection: BullMQ demands this setting.
    const redis = new RedisClient(url, { maxRetriesPerRequest: null, connectTimeout, lazyConnect: false });
    redis.on('error', onError);
    return redis;
  };
  for (const warning of await probe(url, connectTimeout)) onWarning(warning);
  const redis = connect();
  const queues = new Map<string, RedisQueue<unknown>>();
  return {
    queue<T>(name: string, parse: (data: unknown) => Result<T>): Queue<T> {
      checkQueueName(name);
      if (queues.has(name)) throw new Error(`queue ${name} is open already: open it once and hand it on`);
      const queue = new RedisQueueClass<T>({ name, prefix, redis, connect, parse, lockMs, onError });
      queues.set(name, queue as unknown as RedisQueue<unknown>);
      return queue;
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      redis.disconnect();
    },
    kill() {
      for (const queue of queues.values()) queue.kill();
      redis.disconnect();
    },
  };
}

/** One look at the server with a connection that gives up, so that a wrong address is said at the start. */
async function probe(url: string, connectTimeout: number): Promise<readonly string[]> {
  const { Redis: RedisClient } = await import('ioredis');
  const redis = new RedisClient(url, {
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout,
    lazyConnect: true,
  });
  let fault: unknown;
  redis.on('error', (error: unknown) => (fault = error));
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    const why = fault instanceof Error ? fault.message : String(error);
    const where = url.replace(/\/\/[^@/]*@/, '//***@');
    throw new RedisSetupError(`Redis at ${where} cannot be reached: ${why}; check REDIS_URL`, { cause: error });
  }
  try {
    return await checkRedis(redis);
  } finally {
    redis.disconnect();
  }
}
