import { randomUUID } from 'node:crypto';
import { resources, type Source } from '@sluice/model';
import type { Reconcile } from '@sluice/reconcile';
import { parseGitSourceSpec, type GitSourcePlan } from '@sluice/release';
import { Secret } from '@sluice/runtime';
import { archiveCommit, type GitAccess } from './git-archive.ts';
import { SourceError } from './source-error.ts';
import { sourceReconciler, type SourcePorts } from './source-reconciler.ts';
import { basicOf, readSecret } from './source-secrets.ts';

/** Keeps the files of a git repository at what its ref stands for. `searchPath` is where git is looked for. */
export function gitRepositoryReconciler(ports: SourcePorts, searchPath: string): Reconcile {
  return sourceReconciler<GitSourcePlan>(ports, {
    resource: resources.gitRepositories,
    parse: parseGitSourceSpec,
    fetch: async (source, plan, signal) => {
      const { store } = ports;
      const access = await gitAccess(ports, source, plan, signal);
      const known = source.status?.artifact;
      const here = known !== undefined && (await store.has(known.digest));
      const unchanged = here && source.status?.observedGeneration === source.metadata.generation;
      const output = store.scratchPath(randomUUID());
      const revision = await archiveCommit(searchPath, {
        ...plan,
        access,
        signal,
        scratch: store.scratchPath(''),
        output,
        ...(unchanged ? { known: known.revision } : {}),
      });
      if (unchanged && revision === known.revision) return {};
      return { artifact: { revision, ...(await store.keep(output)) } };
    },
  });
}

async function gitAccess(
  { kube }: SourcePorts,
  source: Source,
  { secretName, url }: GitSourcePlan,
  signal: AbortSignal,
): Promise<GitAccess> {
  if (!secretName) return {};
  const keys = await readSecret(kube, source.metadata.namespace ?? '', secretName, signal);
  for (const key of ['identity', 'ca.crt', 'caFile', 'tls.crt'])
    if (keys[key] !== undefined)
      throw new SourceError('AuthenticationFailed', `Secret ${secretName}: ${key} is not supported yet for ${url}`);
  if (keys['bearerToken']) return { authorization: new Secret(`Bearer ${keys['bearerToken']}`) };
  const { username, password } = basicOf(keys, secretName);
  const text = Buffer.from(`${username}:${password.reveal()}`).toString('base64');
  return { authorization: new Secret(`Basic ${text}`) };
}
