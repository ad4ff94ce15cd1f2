import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '@sluice/store';
import { startTestApiServer, testClient } from '../src/testing.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-crash-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What the server had promised by the time it was killed. */
type Promised = { readonly lines: readonly string[] };

async function runUntilKilled(round: number, lines: number): Promise<Promised> {
  const script = fileURLToPath(new URL('./crash-server.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@sluice/source', script, directory, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += String(chunk);
    if (text.split('\n').length > lines) child.kill('SIGKILL');
  }
  return { lines: text.split('\n').slice(0, -1) };
}

test(
  'kill -9 under load loses no acknowledged write, tears no object and takes no version back',
  { timeout: 60_000 },
  async () => {
    let highest = 0;
    for (let round = 0; round < 4; round++) {
      const { lines } = await runUntilKilled(round, 150 + round * 200);
      const store = await openStore({ directory: join(directory, 'store'), formatVersion: 1 });
      const server = await startTestApiServer({ store, directory: join(directory, 'pki') });
      const { body } = await testClient(server.handle)('GET', '/api/v1/namespaces/default/configmaps');
      type Stored = { metadata: { name: string; resourceVersion: string }; data: Record<string, string> };
      const objects = new Map(body.items.map((item: Stored) => [item.metadata.name, item] as const)) as Map<
        string,
        Stored
      >;
      const of = (verb: string): string[][] =>
        lines.filter((line) => line.startsWith(`${verb} `)).map((line) => line.split(' ').slice(1));
      const maybeGone = new Set(of('deleting').map(([name]) => name));
      const certain = (verb: string): string[][] => of(verb).filter(([name]) => !maybeGone.has(name));
      for (const [name = ''] of certain('created')) expect(objects.has(name)).toBe(true);
      for (const [name = '', resourceVersion] of certain('patched')) {
        expect(objects.get(name)).toMatchObject({ data: { done: 'yes' }, metadata: { resourceVersion } });
      }
      highest = Math.max(highest, ...of('patched').map(([, version]) => Number(version)));
      for (const [name = ''] of of('deleted')) expect(objects.has(name)).toBe(false);
      expect(Number(body.metadata.resourceVersion)).toBeGreaterThanOrEqual(highest);
      await server.close();
      await store.close();
    }
  },
);
