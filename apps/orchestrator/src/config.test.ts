import { expect, test } from 'vitest';
import { configMessage, parseConfig } from './config.ts';

const environment = { REDIS_URL: 'redis://localhost:6379', SLUICE_REGISTRY: 'registry.example.org' };

test('reads what is set and fills in the rest', () => {
  expect(parseConfig({ ...environment, SLUICE_NAMESPACE: 'ci', SLUICE_PRIVATE_HOSTS: 'git.corp, 10.0.0.1' })).toEqual({
    ok: true,
    value: {
      redisUrl: 'redis://localhost:6379',
      dataDir: '/var/lib/sluice',
      logLevel: 'info',
      privateHosts: ['git.corp', '10.0.0.1'],
      orchestrator: {
        namespace: 'ci',
        registry: 'registry.example.org',
        registryInsecure: false,
        concurrency: 8,
        repairIntervalMs: 60_000,
        reportIntervalMs: 250,
        logTailLines: 50,
      },
    },
  });
});

test('reports every problem at once, each with a way to mend it', () => {
  const config = parseConfig({ SLUICE_REGISTRY: 'http://x', SLUICE_CONCURRENCY: 'many', SLUICE_LOG_LEVEL: 'loud' });
  expect(config.ok ? '' : configMessage(config.problems)).toBe(`sluice-orchestrator cannot start:
REDIS_URL: is not set: deliveries come through a queue that the webhook receiver shares with this program; set it like redis://host:6379, or run everything in one process with sluice up
SLUICE_REGISTRY: "http://x" is not host[:port]; name the registry for images and charts, like registry.example.org
SLUICE_LOG_LEVEL: "loud" is no level; use debug, info, warn or error
SLUICE_CONCURRENCY: "many" is not a whole number between 1 and 64; leave it out for 8
`);
});
