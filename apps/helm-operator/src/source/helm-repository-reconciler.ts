import { readFile, rename } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { resources, type Source } from '@sluice/model';
import { BadIndex, sliceIndex } from '@sluice/helm';
import type { Reconcile } from '@sluice/reconcile';
import { parseHelmRepositorySpec, type HelmRepositoryPlan } from '@sluice/release';
import { fetchUrl, type FetchAccess } from './fetch-url.ts';
import { SourceError } from './source-error.ts';
import { sourceReconciler, type NewArtifact, type SourcePorts } from './source-reconciler.ts';
import { basicOf, readSecret, tlsOf } from './source-secrets.ts';

/** A larger index is refused: it would have to be held in memory. */
export const maxIndexBytes = 32 * 1024 * 1024;

/** Keeps the index of chart repositories, asked for by etag. A repository of type oci has nothing to keep. */
export function helmRepositoryReconciler(ports: SourcePorts): Reconcile {
  return sourceReconciler<HelmRepositoryPlan>(ports, {
    resource: resources.helmRepositories,
    parse: parseHelmRepositorySpec,
    fetch: async (source, plan, signal) => {
      const access = await repositoryAccess(ports, source, plan, signal);
      if (plan.type === 'oci') return { ready: 'Helm repository is ready' };
      return fetchIndex(ports, source, { plan, access, signal });
    },
  });
}

/** Credentials and certificates of a chart repository. */
export async function repositoryAccess(
  { kube }: Pick<SourcePorts, 'kube'>,
  source: Source,
  { type, secretName, certSecretName }: HelmRepositoryPlan,
  signal: AbortSignal,
): Promise<FetchAccess> {
  const namespace = source.metadata.namespace ?? '';
  const secret = secretName && type === 'default' ? await readSecret(kube, namespace, secretName, signal) : undefined;
  const certs = certSecretName ? await readSecret(kube, namespace, certSecretName, signal) : undefined;
  return {
    ...(secret ? { basic: basicOf(secret, secretName ?? '') } : {}),
    ...(certs ? { tls: tlsOf(certs, certSecretName ?? '') } : {}),
  };
}

type Work = { readonly plan: HelmRepositoryPlan; readonly access: FetchAccess; readonly signal: AbortSignal };

async function fetchIndex({ store }: SourcePorts, source: Source, { plan, access, signal }: Work) {
  const url = `${plan.url}/index.yaml`;
  const scratch = store.scratchPath(createHash('sha256').update(`${source.metadata.uid} ${url}`).digest('hex'));
  const known = source.status?.artifact;
  const here = known !== undefined && (await store.has(known.digest, 'yaml'));
  const etag = here ? known.metadata?.['etag'] : undefined;
  const { timeoutMs } = plan;
  const options = { access, timeoutMs, signal, path: scratch, maxBytes: maxIndexBytes, ...(etag ? { etag } : {}) };
  const fetched = await fetchUrl(url, options);
  if (fetched.kind === 'unchanged') return {};
  try {
    sliceIndex(await readFile(scratch, 'utf8'));
  } catch (error) {
    if (error instanceof BadIndex) throw new SourceError('FetchFailed', `${url} is not an index: ${error.message}`);
    throw error;
  }
  const { digest, size } = fetched;
  await rename(scratch, store.path(digest, 'yaml'));
  const metadata = fetched.etag ? { metadata: { etag: fetched.etag } } : {};
  const artifact: NewArtifact = { revision: digest, digest, size, suffix: 'yaml', ...metadata };
  return { artifact };
}
