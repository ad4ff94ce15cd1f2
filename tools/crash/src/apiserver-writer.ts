import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { silentLog } from '@sluice/runtime';
import { openStore } from '@sluice/store';

/**
 * The process that is killed: eight writers of an API server on disk. Writes a line for each answer that promises something into a file, which
 * outlives the process line by line, and a dot to stdout; a pipe may still hold lines back when the process dies.
 */
const [directory = '', round = '0', promises = ''] = process.argv.slice(2);
const file = openSync(promises, 'a');

function say(line: string): void {
  writeSync(file, `${line}\n`);
  process.stdout.write('.');
}

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

function versionOf(answer: string): string {
  return (JSON.parse(answer) as { readonly metadata: { readonly resourceVersion: string } }).metadata.resourceVersion;
}

/** Creates an object, changes it, and deletes the one before. */
async function write(writer: number): Promise<void> {
  for (let counter = 0; ; counter++) {
    const name = `r${round}-w${writer}-${counter}`;
    const filler = 'x'.repeat((counter * 37) % 3_000);
    const created = await send('POST', maps, { metadata: { name }, data: { filler, size: String(filler.length) } });
    say(`created ${name} ${versionOf(created)}`);
    const patched = await send('PATCH', `${maps}/${name}`, { data: { done: 'yes' } }, 'application/merge-patch+json');
    say(`patched ${name} ${versionOf(patched)}`);
    if (counter === 0) continue;
    const before = `r${round}-w${writer}-${counter - 1}`;
    say(`deleting ${before} 0`);
    await send('DELETE', `${maps}/${before}`);
    say(`deleted ${before} 0`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
