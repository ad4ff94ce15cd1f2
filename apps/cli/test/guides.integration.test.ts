import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestCluster } from './cluster.ts';
import { guides, playGuide } from './guide-player.ts';

test('every command of the quick start does what the guide says', { timeout: 240_000 }, async () => {
  expect(await playGuide('quick-start.md')).toBeGreaterThan(10);
});

test('every command of the guide to environments does what the guide says', { timeout: 240_000 }, async () => {
  expect(await playGuide('environments.md')).toBeGreaterThan(8);
});

test('the Repository of the GitHub guide is one that the cluster takes', { timeout: 60_000 }, async () => {
  const text = readFileSync(join(guides, 'github.md'), 'utf8');
  const manifest = /^```yaml\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '';
  const cluster = new TestCluster();
  try {
    await cluster.start();
    const { out, err } = await cluster.apply(manifest, '--dry-run=server');
    expect(out + err).toBe('repository.sluice.dev/hello created (server dry run)\n');
  } finally {
    await cluster.stop();
  }
});
