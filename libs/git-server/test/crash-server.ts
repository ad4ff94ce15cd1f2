import { serveHttp } from '@sluice/runtime';
import { openStore } from '@sluice/store';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGitServer } from '../src/server.ts';

/** A forge in a process of its own, so that a test can kill it. What is delivered is appended to a file. */
const [directory = '', token = '', mode = ''] = process.argv.slice(2);
const store = await openStore({ directory: join(directory, 'store'), formatVersion: 1 });
let url = '';
const server = await createGitServer({
  directory: join(directory, 'git'),
  store,
  token,
  publicUrl: () => url,
  deliver: async ({ delivery, body }) => {
    if (mode === 'away') throw new Error('the receiver is away');
    appendFileSync(join(directory, 'delivered'), `${JSON.stringify({ delivery, body })}\n`);
  },
});
const http = await serveHttp(server.handle, { host: '127.0.0.1', port: 0 });
({ url } = http);
await server.start();
process.stdout.write(`${url}\n`);
