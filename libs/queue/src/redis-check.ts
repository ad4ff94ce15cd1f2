import type { Redis } from 'ioredis';

/** Redis is set up in a way that loses jobs. The message says what to change. */
export class RedisSetupError extends Error {
  override readonly name = 'RedisSetupError';
}

/**
 * Check the settings that durability hangs on. Throws {@link RedisSetupError} for settings that lose accepted jobs; returns
 * warnings for what narrows the promise or cannot be seen.
 */
export async function checkRedis(redis: Redis): Promise<readonly string[]> {
  let settings: Map<string, string>;
  try {
    settings = new Map([
      ...(await readSetting(redis, 'appendonly')),
      ...(await readSetting(redis, 'appendfsync')),
      ...(await readSetting(redis, 'maxmemory-policy')),
    ]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [`Redis does not show its settings (${why}): make sure of appendonly yes and maxmemory-policy noeviction`];
  }
  const faults: string[] = [];
  if (settings.get('appendonly') === 'no')
    faults.push('appendonly is no, so a restart loses jobs: set "appendonly yes"');
  const policy = settings.get('maxmemory-policy');
  if (policy !== undefined && policy !== 'noeviction') {
    faults.push(`maxmemory-policy is ${policy}, so a full Redis throws jobs away: set "maxmemory-policy noeviction"`);
  }
  if (faults.length > 0) {
    throw new RedisSetupError(`Redis: ${faults.join('; ')} (in redis.conf, or with CONFIG SET and CONFIG REWRITE)`);
  }
  if (settings.get('appendfsync') === 'always') return [];
  const fsync = settings.get('appendfsync') ?? 'unknown';
  return [
    `Redis: appendfsync is ${fsync}: a power cut may lose the last second of jobs; "appendfsync always" does not`,
  ];
}

async function readSetting(redis: Redis, name: string): Promise<[string, string][]> {
  const answer: unknown = await redis.config('GET', name);
  if (Array.isArray(answer)) return answer.length >= 2 ? [[name, String(answer[1])]] : [];
  if (typeof answer === 'object' && answer !== null && name in answer) {
    return [[name, String((answer as Record<string, unknown>)[name])]];
  }
  return [];
}
