import { formatProblems, keys, resources, type Environment, type KubeObject, type Resource } from '@sluice/model';
import { readReleaseFiles, type FiledRelease } from '@sluice/pipeline';
import type { EnvironmentPlan } from '@sluice/release';
import { openEnvironmentRepository, type ReleaseCommit } from './commit-release.ts';
import type { OrchestratorPorts } from './ports.ts';
import type { RepositoryAccess } from './repository-access.ts';

const fieldManager = 'sluice-environment';

/** How following a repository stands. `revision`: the commit that the cluster has. */
export type SyncOutcome =
  | { readonly ok: true; readonly revision: string; readonly message: string }
  | { readonly ok: false; readonly reason: 'RepositoryNotReady' | 'InvalidFiles'; readonly message: string };

type Parts = { readonly ports: OrchestratorPorts; readonly access: RepositoryAccess };

/** Applies what the repository of an environment says at the commit that its branch was last seen at; deletes what left it. */
export async function syncEnvironment(
  { ports, access }: Parts,
  environment: Environment,
  plan: EnvironmentPlan & Pick<ReleaseCommit['plan'], 'git'>,
  signal: AbortSignal,
): Promise<SyncOutcome> {
  const { namespace = '', name } = environment.metadata;
  const { git } = plan;
  const found = await openEnvironmentRepository(access, namespace, plan, signal);
  if (!found) return notReady(`there is no Repository "${git.repository}" in namespace ${namespace}`);
  const { open, branch } = found;
  const sha = open.repository.status?.heads?.[`refs/heads/${branch}`];
  if (!sha) return notReady(`branch ${branch} of Repository ${git.repository} has not been seen yet`);
  await open.mirror.ensureCommits([sha], signal);
  const files = await open.mirror.readTree(sha, `${git.path}/`, signal);
  const read = readReleaseFiles(files, { environment: name, namespace, targetNamespace: plan.namespace });
  if (!read.ok) {
    const message = `commit ${sha.slice(0, 12)} is not applied: ${formatProblems(read.problems)}`;
    return { ok: false, reason: 'InvalidFiles', message };
  }
  for (const filed of read.value) await applyFiled(ports, filed, { namespace, environment: name, signal });
  await prune(ports, read.value, { namespace, environment: name, signal });
  const message = `commit ${sha.slice(0, 12)} of ${git.repository} is applied, ${read.value.length} releases`;
  return { ok: true, revision: sha, message };
}

function notReady(message: string): SyncOutcome {
  return { ok: false, reason: 'RepositoryNotReady', message };
}

type Place = { readonly namespace: string; readonly environment: string; readonly signal: AbortSignal };

async function applyFiled({ kube }: OrchestratorPorts, filed: FiledRelease, place: Place): Promise<void> {
  const labelled = (object: KubeObject): KubeObject => {
    const labels = { ...object.metadata.labels, [keys.appliedFor]: place.environment };
    return { ...object, metadata: { ...object.metadata, namespace: place.namespace, labels } };
  };
  const options = { fieldManager, signal: place.signal };
  await kube.apply(resources.ociRepositories, labelled(filed.source), options);
  await kube.apply(resources.helmReleases, labelled(filed.release), options);
}

/** First the releases, then sources that no release of the commit names. */
async function prune(
  { kube }: OrchestratorPorts,
  filed: readonly FiledRelease[],
  { namespace, environment, signal }: Place,
): Promise<void> {
  const kept = (resource: Resource, names: readonly string[]) => ({ resource, names: new Set(names) });
  const kinds = [
    kept(
      resources.helmReleases,
      filed.map(({ release }) => release.metadata.name),
    ),
    kept(
      resources.ociRepositories,
      filed.map(({ source }) => source.metadata.name),
    ),
  ];
  for (const { resource, names } of kinds) {
    const { items } = await kube.list(resource, {
      namespace,
      labelSelector: `${keys.appliedFor}=${environment}`,
      signal,
    });
    for (const { metadata } of items)
      if (!names.has(metadata.name)) await kube.delete(resource, { namespace, name: metadata.name }, { signal });
  }
}
