import { readSettings } from '@sluice/runtime';
import { expect, test } from 'vitest';
import { orchestratorConfig, orchestratorSettings } from './config.ts';

const environment = { REDIS_URL: 'redis://localhost:6379', SLUICE_REGISTRY: 'registry.example.org' };

test('what is not set has a default, and seconds become milliseconds', () => {
  const read = readSettings(orchestratorSettings, ['--repair-seconds=30'], { ...environment, SLUICE_NAMESPACE: 'ci' });
  expect(read.ok && orchestratorConfig(read.value)).toEqual({
    namespace: 'ci',
    registry: 'registry.example.org',
    registryInsecure: false,
    concurrency: 8,
    repairIntervalMs: 30_000,
    reportIntervalMs: 250,
    logTailLines: 50,
  });
});

test('a registry with a scheme and a missing Redis are refused together', () => {
  expect(readSettings(orchestratorSettings, [], { SLUICE_REGISTRY: 'http://x' })).toEqual({
    ok: false,
    problems: [
      '--redis-url (REDIS_URL): is not set; give a URL like redis://host:6379 or the path of a socket (sluice up runs everything in one process and needs none)',
      '--registry (SLUICE_REGISTRY): "http://x" is not a host with or without a port, like registry.example.org',
    ],
  });
});
