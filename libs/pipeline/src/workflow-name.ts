import { sha256Hex } from './sha256.ts';

/** What makes a run the same run. */
export type RunIdentity = {
  /** Name and uid of the Repository object. */
  readonly repository: string;
  readonly repositoryUid: string;
  readonly pipeline: string;
  readonly sha: string;
  /** See libs/trigger: what makes the run unique besides repository, commit and pipeline. */
  readonly triggerKey: string;
};

/**
 * The name of a run's Workflow, the same whenever and however often it is asked for:
 * `<repository>-<pipeline>-<8 of the sha>-<10 of a hash>`, a DNS label of at most 63 characters.
 */
export function workflowName({ repository, repositoryUid, pipeline, sha, triggerKey }: RunIdentity): string {
  const hash = sha256Hex(JSON.stringify([repositoryUid, sha, pipeline, triggerKey])).slice(0, 10);
  const tail = `${toLabel(sha.slice(0, 8), 8)}-${hash}`;
  const room = 63 - tail.length - 2;
  const pipelinePart = toLabel(pipeline, Math.max(20, room - repository.length));
  const repositoryPart = toLabel(repository, room - pipelinePart.length);
  return `${repositoryPart}-${pipelinePart}-${tail}`;
}

/** The text as (part of) a DNS label that begins with a letter. */
function toLabel(text: string, max: number): string {
  const label = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+/g, '');
  return label.slice(0, max).replaceAll(/-+$/g, '') || 'x';
}
