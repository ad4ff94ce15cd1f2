import type { Pipeline } from '@sluice/pipeline';
import { grantSecrets, refOf, type DecidedRun, type SkippedRun, type TriggerEvent } from '@sluice/trigger';
import type { OpenRepository } from './repository-access.ts';

/** A run with the names of the Secrets that it gets. */
export type GrantedRun = DecidedRun<Pipeline> & { readonly secrets: readonly string[] };

/** Which runs may start, with which Secrets; the others ask for what the Repository grants to nobody. */
export function grantRuns(
  { repository, key }: OpenRepository,
  event: TriggerEvent,
  runs: readonly DecidedRun<Pipeline>[],
): { readonly allowed: readonly GrantedRun[]; readonly refused: readonly SkippedRun<Pipeline>[] } {
  const allowed: GrantedRun[] = [];
  const refused: SkippedRun<Pipeline>[] = [];
  for (const run of runs) {
    const asked = run.pipeline.steps.flatMap(({ secrets }) => Object.values(secrets).map(({ name }) => name));
    const grants = repository.spec?.secrets ?? [];
    const { granted, unknown } = grantSecrets({ asked, grants, trust: run.trust, ref: refOf(event) });
    if (unknown.length === 0) allowed.push({ ...run, secrets: granted });
    else {
      const names = unknown.map((name) => `"${name}"`).join(', ');
      const reason = `it asks for Secret ${names}, which Repository ${key.name} grants to no run (spec.secrets)`;
      refused.push({ pipeline: run.pipeline, code: 'SecretNotGranted', reason, visible: true });
    }
  }
  return { allowed, refused };
}
