import { keyText, type ObjectKey } from '@sluice/model';
import type { ReleasedRun } from '@sluice/pipeline';
import type { DesiredDeployment } from '@sluice/trigger';
import type { OpenRepository } from './repository-access.ts';

/** Tells the forge how the deployments of a run stand that have no release yet, each thing once while the run waits. */
export class DeploymentReports {
  /** What was told last, by run and deployment. */
  readonly #told = new Map<string, Map<string, string>>();

  /** Tell it, unless that is what was told last. True when it was told. */
  async tell(
    { open, run }: { readonly open: OpenRepository; readonly run: ReleasedRun },
    { deployment, check }: DesiredDeployment,
    signal: AbortSignal,
  ): Promise<boolean> {
    const key = keyText({ namespace: run.namespace, name: run.workflow });
    const known = this.#told.get(key) ?? new Map<string, string>();
    const text = `${deployment.state}: ${deployment.description}`;
    if (known.get(deployment.externalId) === text) return false;
    await open.forge.upsertDeployment(deployment, signal);
    await open.forge.upsertCheck(check, signal);
    this.#told.set(key, known.set(deployment.externalId, text));
    return true;
  }

  /** A run that waits no more. */
  forget(run: ObjectKey): void {
    this.#told.delete(keyText(run));
  }
}
