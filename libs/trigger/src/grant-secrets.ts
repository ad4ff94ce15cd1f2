import { matchesAnyGlob, type SecretGrant } from '@sluice/model';
import type { Trust } from './trigger-event.ts';

export type SecretQuestion = {
  /** Names of Secrets. */
  readonly asked: readonly string[];
  readonly grants: readonly SecretGrant[];
  readonly trust: Trust;
  /** Full ref that the run is about. */
  readonly ref: string;
};

/** `granted` are given to the run, `unknown` are granted to no run at all: somebody has to change the Repository or the pipeline. */
export type SecretAnswer = { readonly granted: readonly string[]; readonly unknown: readonly string[] };

/** Which of the Secrets that a pipeline asks for its run gets. A run that is not trusted gets none. Pure. */
export function grantSecrets({ asked, grants, trust, ref }: SecretQuestion): SecretAnswer {
  const byName = new Map(grants.map((grant) => [grant.name, grant]));
  const wanted = [...new Set(asked)].sort();
  const granted = wanted.filter((name) => {
    const grant = byName.get(name);
    return grant !== undefined && trust === 'trusted' && (!grant.refs || matchesAnyGlob(grant.refs, ref));
  });
  return { granted, unknown: wanted.filter((name) => !byName.has(name)) };
}
