import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';

const places = ['/usr/bin/ctr', '/usr/local/bin/ctr', '/usr/sbin/ctr'];
const defaultAddress = '/run/containerd/containerd.sock';
const maxOutputBytes = 8 * 1024 * 1024;

/** A command of `ctr` that failed; the message is what it said. */
export class CtrError extends Error {
  override readonly name = 'CtrError';
}

/** containerd through its own client program, in one of its namespaces. */
export type Ctr = {
  readonly file: string;
  /** The arguments that come before every command. */
  readonly prefix: readonly string[];
  /** Run a command to its end; its standard output. Throws {@link CtrError}. */
  run(args: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<string>;
};

/** What the client is told apart from its arguments: nothing of ours. */
export const ctrEnvironment: Readonly<Record<string, string>> = Object.freeze({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
});

/** The client of the containerd at `address`. */
export function createCtr(namespace: string, address = defaultAddress): Ctr {
  const file = places.find((place) => existsSync(place)) ?? 'ctr';
  const prefix = ['--address', address, '--namespace', namespace];
  return {
    file,
    prefix,
    run(args, timeoutMs, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const options = {
        env: { ...ctrEnvironment },
        timeout: timeoutMs,
        maxBuffer: maxOutputBytes,
        ...(signal ? { signal } : {}),
      };
      execFile(file, [...prefix, ...args], options, (error, stdout, stderr) => {
        if (error) reject(new CtrError(whyFailed(error, stderr, timeoutMs), { cause: error }));
        else resolve(stdout);
      });
      return promise;
    },
  };
}

function whyFailed(error: Error & { readonly killed?: boolean; readonly code?: unknown }, stderr: string, ms: number) {
  if (error.code === 'ENOENT') return 'the program ctr of containerd is not installed';
  if (error.name === 'AbortError') return 'it was given up';
  if (error.killed) return `containerd did not answer within ${ms} ms`;
  const lines = stderr.trim().split('\n');
  return (lines.findLast((line) => line.startsWith('ctr: ')) ?? lines.at(-1) ?? error.message).replace(/^ctr: /, '');
}
