import type { Redis } from 'ioredis';

/**
 * Per-key order on Redis: each key has a sorted set of job ids by arrival. A job runs only while it is the first; the
 * worker passes the others by. An id enters before its job is made and leaves once the job has ended.
 */
export class RedisOrder {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /** Take a place in the order of a key; a place that the id has is kept. */
  async enter(key: string, id: string): Promise<void> {
    const place = await this.#redis.incr(`${this.#prefix}:order-seq`);
    await this.#redis.zadd(this.#keyOf(key), 'NX', String(place), id);
  }

  /** The id whose turn it is. */
  async first(key: string): Promise<string | undefined> {
    const [id] = await this.#redis.zrange(this.#keyOf(key), '0', '0');
    return id;
  }

  /** Give the place up and learn whose turn it is now. */
  async leave(key: string, id: string): Promise<string | undefined> {
    await this.#redis.zrem(this.#keyOf(key), id);
    return this.first(key);
  }

  #keyOf(key: string): string {
    return `${this.#prefix}:order:${key}`;
  }
}
