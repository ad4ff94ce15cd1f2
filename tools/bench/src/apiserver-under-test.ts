import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HttpsClient } from './https-client.ts';

export type Memory = { readonly heapUsed: number; readonly rss: number };

/** A server in a process of its own. */
export type UnderTest = {
  readonly client: HttpsClient;
  /** From the start of the process to its first answer. */
  readonly startMs: number;
  memory(): Promise<Memory>;
  close(): void;
};

/** Start the API server, or the floor beside it, over a directory; it keeps what is stored there. */
export async function startUnderTest(role: 'apiserver' | 'floor', directory: string): Promise<UnderTest> {
  const started = performance.now();
  const child = fork(fileURLToPath(new URL('./apiserver-process.ts', import.meta.url)), [role, directory], {
    execArgv: ['--conditions=@sluice/source', '--expose-gc'],
  });
  const { url, token } = await answerOf<{ url: string; token: string }>(child);
  const client = new HttpsClient(url, token, await readFile(join(directory, 'pki', 'ca.crt'), 'utf8'));
  if (role === 'apiserver') (await client.get('/readyz')).resume();
  const startMs = performance.now() - started;
  return {
    client,
    startMs,
    memory() {
      child.send('memory');
      return answerOf(child);
    },
    close() {
      client.close();
      child.kill('SIGKILL');
    },
  };
}

/** What the process says next. */
async function answerOf<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(60_000) })) as [T];
  return message;
}
