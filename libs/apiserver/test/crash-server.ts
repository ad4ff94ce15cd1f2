import { join } from 'node:path';
import { silentLog } from '@sluice/runtime';
import { openStore } from '@sluice/store';
import { startApiServer } from '../src/server/api-server.ts';

/** Child of the crash test: writers of an API server on disk; prints a line for each answer that promises durability. */
const [directory = '', round = '0'] = process.argv.slice(2);
const store = await openStore({ directory: join(directory, 'store'), formatVersion: 1 });
const server = await startApiServer({
  store,
  host: '127.0.0.1',
  port: 0,
  directory: join(directory, 'pki'),
  log: silentLog,
  now: Date.now,
});
const maps = '/api/v1/namespaces/default/configmaps';

async function send(method: string, path: string, body?: unknown, type = 'application/json'): Promise<string> {
  const response = await server.handle({
    method,
    path,
    headers: { 'content-type': type },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (response.status >= 300 || typeof response.body !== 'string')
    throw new Error(`${method} ${path}: ${response.status}`);
  return response.body;
}

/** Creates an object, changes it, and deletes the one before. */
async function write(writer: number): Promise<void> {
  for (let counter = 0; ; counter++) {
    const name = `r${round}-w${writer}-${counter}`;
    await send('POST', maps, { metadata: { name }, data: { filler: 'x'.repeat(counter % 3_000) } });
    process.stdout.write(`created ${name}\n`);
    const patched: unknown = JSON.parse(
      await send('PATCH', `${maps}/${name}`, { data: { done: 'yes' } }, 'application/merge-patch+json'),
    );
    const { metadata } = patched as { metadata: { resourceVersion: string } };
    process.stdout.write(`patched ${name} ${metadata.resourceVersion}\n`);
    if (counter === 0) continue;
    const before = `r${round}-w${writer}-${counter - 1}`;
    process.stdout.write(`deleting ${before}\n`);
    await send('DELETE', `${maps}/${before}`);
    process.stdout.write(`deleted ${before}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
