import { keys, TransientError } from '@sluice/model';
import {
  readReleaseFiles,
  releaseFileName,
  writeReleaseFile,
  type ReleasedRun,
  type ReleaseObjects,
} from '@sluice/pipeline';
import type { EnvironmentPlan } from '@sluice/release';
import type { Mirror } from './ports.ts';
import type { OpenRepository, RepositoryAccess } from './repository-access.ts';

/** A release for an environment of mode git. */
export type ReleaseCommit = {
  readonly environment: string;
  readonly run: ReleasedRun;
  readonly plan: EnvironmentPlan & { readonly git: NonNullable<EnvironmentPlan['git']> };
  readonly built: Extract<ReleaseObjects, { ok: true }>;
  readonly endedMs: number;
};

/** `proposed`: a pull request is open. `older`: the repository has a newer run of it. `refused` stays so until something is changed. */
export type CommitOutcome =
  { readonly kind: 'committed' | 'proposed' | 'older' } | { readonly kind: 'refused'; readonly reason: string };

const author = { name: 'Sluice', email: 'sluice@localhost' };

/** The repository of an environment, with the ref that is followed. */
export async function openEnvironmentRepository(
  access: RepositoryAccess,
  namespace: string,
  { git }: { readonly git: ReleaseCommit['plan']['git'] },
  signal: AbortSignal,
): Promise<{ readonly open: OpenRepository; readonly branch: string } | undefined> {
  const open = await access.open({ namespace, name: git.repository }, signal);
  return open && { open, branch: git.branch ?? open.repository.spec?.defaultBranch ?? 'main' };
}

/**
 * Write a release into the repository of its environment: on the branch, or as a pull request where approval is asked. The same release again
 * makes no second commit. Throws TransientError when somebody else was faster.
 */
export async function commitRelease(
  access: RepositoryAccess,
  commit: ReleaseCommit,
  signal: AbortSignal,
): Promise<CommitOutcome> {
  const { plan, run, built, environment } = commit;
  const found = await openEnvironmentRepository(access, run.namespace, plan, signal);
  if (!found)
    return {
      kind: 'refused',
      reason: `There is no Repository "${plan.git.repository}" in namespace ${run.namespace}, which environment ${environment} is kept in`,
    };
  const { open, branch } = found;
  const ref = `refs/heads/${branch}`;
  const head = (await open.mirror.listRefs(signal)).get(ref);
  const path = `${plan.git.path}/${releaseFileName(built.release.metadata.name)}`;
  const text = writeReleaseFile(built);
  const present = head ? await fileAt(open.mirror, head, path, signal) : undefined;
  if (present === text) return { kind: 'committed' };
  if (present !== undefined && orderIn(present, commit) > run.order) return { kind: 'older' };
  const proposal = plan.approval ? proposalOf(open, branch, built.release.metadata.name, messageOf(commit)) : undefined;
  if (proposal === 'unsupported')
    return {
      kind: 'refused',
      reason: `Environment ${environment} asks for approval in mode git, which needs pull requests of the local forge; Repository ${plan.git.repository} is elsewhere`,
    };
  const change = {
    ...(head ? { parent: head } : {}),
    files: { [path]: text },
    message: messageOf(commit),
    author,
    timeMs: commit.endedMs,
  };
  const pushed = await open.mirror.pushCommit(change, proposal ?? { ref }, signal);
  if (pushed === 'moved') throw new TransientError(`${ref} of ${plan.git.repository} has moved meanwhile`);
  return { kind: proposal ? 'proposed' : 'committed' };
}

async function fileAt(mirror: Mirror, sha: string, path: string, signal: AbortSignal): Promise<string | undefined> {
  await mirror.ensureCommits([sha], signal);
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  return (await mirror.readTree(sha, folder, signal)).find((file) => file.path === path)?.text;
}

/** The order of the run in a file; 0 for a file that cannot be read, which is then written anew. */
function orderIn(text: string, { environment, run, plan }: ReleaseCommit): number {
  const rule = { environment, namespace: run.namespace, targetNamespace: plan.namespace };
  const read = readReleaseFiles([{ path: 'release.yaml', text }], rule);
  const annotation = read.ok ? read.value[0]?.release.metadata.annotations?.[keys.order] : undefined;
  return Number(annotation) || 0;
}

function messageOf({ environment, run, built }: ReleaseCommit): string {
  const { name } = built.release.metadata;
  return `${environment}: ${name} at ${run.sha.slice(0, 12)}\n\nRepository: ${run.repository}\nCommit: ${run.sha}\nRun: ${run.workflow}\n`;
}

/** The local forge opens a pull request for what is pushed there, and updates the one of the same topic. */
function proposalOf({ repository }: OpenRepository, branch: string, name: string, message: string) {
  if (repository.spec?.forge.type !== 'local') return 'unsupported';
  const [title = ''] = message.split('\n');
  return { ref: `refs/for/${branch}`, options: [`topic=sluice/${name}`, `title=${title}`] };
}
