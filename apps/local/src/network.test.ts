import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openDataDirectory } from './data-directory.ts';
import { chooseNetwork, type Network } from './network.ts';

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

async function choose(
  directory = mkdtempSync(join(tmpdir(), 'sluice-network-')),
): Promise<{ network: Network; directory: string }> {
  const data = openDataDirectory(directory);
  const network = await chooseNetwork(data, () => 0.5);
  data.release();
  opened.push(() => {
    network.release();
    rmSync(directory, { recursive: true, force: true });
  });
  return { network, directory };
}

test('two clusters at the same time get different networks', async () => {
  const [first, second] = [await choose(), await choose()];
  expect(first.network.services).not.toBe(second.network.services);
  expect(first.network.pods).not.toBe(second.network.pods);
});

test('a data directory keeps its network', async () => {
  const first = await choose();
  first.network.release();
  const again = await choose(first.directory);
  expect(again.network.services).toBe(first.network.services);
});
