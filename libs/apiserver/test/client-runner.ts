import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiServer } from '../src/server/api-server.ts';
import { openTestWatch, testClient } from '../src/testing.ts';

export type Outcome = { readonly code: number | null; readonly out: string; readonly err: string };

/** Runs command lines against a server, in a home of its own. */
export type Runner = {
  run(binary: string, args: readonly string[], input?: string): Promise<Outcome>;
  /** A folder for files. */
  readonly folder: string;
  close(): Promise<void>;
};

/** Make a home with the server's kubeconfig. */
export async function clientRunner(server: ApiServer): Promise<Runner> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-client-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig(), { mode: 0o600 });
  const env = { ...process.env, HOME: folder, KUBECONFIG: kubeconfig, XDG_CACHE_HOME: join(folder, 'cache') };
  return {
    folder,
    run: (binary, args, input) =>
      new Promise((resolve, reject) => {
        const child = spawn(binary, args, { env, cwd: folder, timeout: 30_000 });
        let [out, err] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
        child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
        child.on('error', reject);
        child.on('close', (code) => resolve({ code, out, err }));
        child.stdin.on('error', () => undefined);
        child.stdin.end(input ?? '');
      }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Plays the controllers of a cluster: every deployment is rolled out as soon as it is seen. Returns what stops it. */
export async function playDeploymentController(server: ApiServer): Promise<() => void> {
  const send = testClient(server.handle);
  const watch = await openTestWatch(server.handle, '/apis/apps/v1/deployments?watch=true');
  const follow = async (): Promise<void> => {
    for (let event = await watch.next(); event; event = await watch.next()) {
      const { metadata, spec, status } = event.object;
      if (event.type === 'DELETED' || status?.observedGeneration === metadata.generation) continue;
      const count = spec.replicas;
      const condition = (type: string, reason: string) => ({ type, status: 'True', reason, message: '' });
      await send(
        'PATCH',
        `/apis/apps/v1/namespaces/${metadata.namespace}/deployments/${metadata.name}/status`,
        {
          status: {
            observedGeneration: metadata.generation,
            replicas: count,
            updatedReplicas: count,
            readyReplicas: count,
            availableReplicas: count,
            conditions: [
              condition('Available', 'MinimumReplicasAvailable'),
              condition('Progressing', 'NewReplicaSetAvailable'),
            ],
          },
        },
        { contentType: 'application/merge-patch+json' },
      );
    }
  };
  void follow();
  return () => watch.close();
}
