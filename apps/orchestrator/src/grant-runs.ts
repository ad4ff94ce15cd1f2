import type { AnyPipeline } from '@sluice/pipeline';
import {
  checkWorkflowPolicy,
  grantSecrets,
  referencedSecrets,
  refOf,
  type DecidedRun,
  type SkippedRun,
  type TriggerEvent,
} from '@sluice/trigger';
import type { OpenRepository } from './repository-access.ts';

/** A run with the names of the Secrets that it gets. */
export type GrantedRun = DecidedRun<AnyPipeline> & { readonly secrets: readonly string[] };

type Refusal = { readonly code: 'SecretNotGranted' | 'PolicyForbids'; readonly reason: string };

/** Which runs may start, with which Secrets; the others ask for what the Repository does not allow. */
export function grantRuns(
  open: OpenRepository,
  event: TriggerEvent,
  runs: readonly DecidedRun<AnyPipeline>[],
): { readonly allowed: readonly GrantedRun[]; readonly refused: readonly SkippedRun<AnyPipeline>[] } {
  const allowed: GrantedRun[] = [];
  const refused: SkippedRun<AnyPipeline>[] = [];
  for (const run of runs) {
    const { granted, refusal } = grantRun(open, event, run);
    if (refusal) refused.push({ pipeline: run.pipeline, ...refusal, visible: true });
    else allowed.push({ ...run, secrets: granted });
  }
  return { allowed, refused };
}

function grantRun(
  { repository, key }: OpenRepository,
  event: TriggerEvent,
  { pipeline, trust }: DecidedRun<AnyPipeline>,
): { readonly granted: readonly string[]; readonly refusal?: Refusal } {
  const grants = repository.spec?.secrets ?? [];
  const asked = secretsOf(pipeline);
  const { granted, unknown } = grantSecrets({ asked, grants, trust, ref: refOf(event) });
  if (unknown.length > 0) {
    const reason = `it asks for Secret ${quoted(unknown)}, which Repository ${key.name} grants to no run (spec.secrets)`;
    return { granted, refusal: { code: 'SecretNotGranted', reason } };
  }
  if (pipeline.kind !== 'argo') return { granted };
  // What a Workflow file names cannot be left out of it, as the variable of a step can.
  const lacking = asked.filter((name) => !granted.includes(name));
  if (lacking.length > 0) {
    const reason = `it asks for Secret ${quoted(lacking)}, which ${trust === 'trusted' ? refOf(event) : 'a fork'} does not get`;
    return { granted, refusal: { code: 'SecretNotGranted', reason } };
  }
  const allow = trust === 'trusted' ? (repository.spec?.trust?.allow ?? []) : [];
  const [first, ...others] = checkWorkflowPolicy(pipeline.spec, allow);
  if (!first) return { granted };
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  const lift = trust === 'trusted' ? `; it can be lifted in spec.trust.allow` : ' for forks';
  const reason = `policy "${first.policy}" of Repository ${key.name} forbids ${first.path}${more}${lift}`;
  return { granted, refusal: { code: 'PolicyForbids', reason } };
}

function secretsOf(pipeline: AnyPipeline): readonly string[] {
  if (pipeline.kind === 'argo') return referencedSecrets(pipeline.spec);
  return pipeline.steps.flatMap(({ secrets }) => Object.values(secrets).map(({ name }) => name));
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
