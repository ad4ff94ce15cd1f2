import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRedisQueues } from './redis-queues.ts';
import { queueContract } from './testing.ts';

const available = spawnSync('redis-server', ['--version']).status === 0;

/** A server of our own on a socket in a temporary folder. */
async function startRedis(...settings: string[]): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
  const url = join(folder, 'socket');
  const args = ['--port', '0', '--unixsocket', url, '--dir', folder, '--save', '', ...settings];
  const child: ChildProcess = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ready = Promise.withResolvers<void>();
  child.stdout?.on('data', (chunk: Buffer) => chunk.includes('ready to accept connections') && ready.resolve());
  child.on('exit', (code) => ready.reject(new Error(`redis-server ended with ${code}`)));
  await ready.promise;
  const stop = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  };
  return { url, stop };
}

describe.skipIf(!available)('on Redis (needs redis-server on the PATH)', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => void (redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always')));
  afterAll(() => redis.stop());

  test.for(queueContract.map((claim, index) => ({ ...claim, prefix: `test${index}` })))(
    '$name',
    async ({ run, prefix }) => {
      const open = () => createRedisQueues({ url: redis.url, prefix, lockMs: 1_000 });
      await expect(run({ open })).resolves.toBeUndefined();
    },
  );
});

describe.skipIf(!available)('the settings of Redis (needs redis-server on the PATH)', () => {
  test('a Redis that would lose jobs is refused with what to change', async () => {
    const redis = await startRedis('--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru');
    try {
      const opened = createRedisQueues({ url: redis.url });
      await expect(opened).rejects.toThrow('set "appendonly yes"');
      await expect(opened).rejects.toThrow('set "maxmemory-policy noeviction"');
    } finally {
      await redis.stop();
    }
  });

  test('a Redis that may lose the last second is warned about', async () => {
    const redis = await startRedis('--appendonly', 'yes');
    try {
      const warnings: string[] = [];
      const queues = await createRedisQueues({ url: redis.url, onWarning: (warning) => warnings.push(warning) });
      expect(warnings).toEqual([expect.stringContaining('appendfsync is everysec')]);
      await queues.close();
    } finally {
      await redis.stop();
    }
  });
});

test('a Redis that cannot be reached is said at once, without its password', async () => {
  const opened = createRedisQueues({ url: 'redis://user:hunter2@127.0.0.1:1', connectTimeoutMs: 2_000 });
  await expect(opened).rejects.toThrow('Redis at redis://***@127.0.0.1:1 cannot be reached');
});
