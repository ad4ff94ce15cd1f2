import { createHash } from 'node:crypto';
import { keys, keyText, resources, type HelmRelease } from '@sluice/model';
import type { Informer, Reconcile } from '@sluice/reconcile';
import { desiredDeployment, type DesiredDeployment } from '@sluice/trigger';
import type { OrchestratorConfig } from './config.ts';
import type { OrchestratorPorts } from './ports.ts';
import { ReportMemory } from './report-memory.ts';
import type { RepositoryAccess } from './repository-access.ts';

type Parts = {
  readonly config: OrchestratorConfig;
  readonly ports: OrchestratorPorts;
  readonly access: RepositoryAccess;
  readonly releases: Informer;
};

/** Reconciles a HelmRelease of ours with the deployment status and the check at the forge. */
export function createReleaseReporter({ config, ports, access, releases }: Parts): Reconcile {
  const memory = new ReportMemory(config.reportIntervalMs);

  return async (key, signal) => {
    // The API server holds HelmReleases to their schema.
    const release = releases.get(key) as HelmRelease | undefined;
    const repository = release?.metadata.labels?.[keys.repository];
    const desired = release && desiredDeployment(release);
    const uid = release?.metadata.uid;
    const id = keyText(key);
    if (!release || !desired || !uid || repository === undefined) {
      memory.forget(id);
      return {};
    }
    const mark = finalMark(desired);
    if (mark !== undefined && release.metadata.annotations?.[keys.reported] === mark) {
      memory.forget(id);
      return {};
    }
    const text = JSON.stringify(desired);
    const decision = memory.decide(id, text, desired.final, ports.now());
    if (typeof decision === 'object') return { requeueAfterMs: decision.waitMs };
    if (decision === 'send') {
      const open = await access.open({ namespace: key.namespace ?? '', name: repository }, signal);
      if (!open) return {};
      await open.forge.upsertDeployment(desired.deployment, signal);
      await open.forge.upsertCheck(desired.check, signal);
      memory.sent(id, text, ports.now());
    }
    if (mark === undefined) return {};
    const body = { metadata: { uid, annotations: { [keys.reported]: mark } } };
    await ports.kube.patch(resources.helmReleases, key, { type: 'merge', body }, { signal });
    return {};
  };
}

/** What `sluice.dev/reported` says once a final state is at the forge. */
function finalMark({ deployment, final }: DesiredDeployment): string | undefined {
  if (!final) return undefined;
  const hash = createHash('sha256').update(deployment.description).digest('hex').slice(0, 12);
  return `${deployment.sha.slice(0, 12)}-${deployment.state}-${hash}`;
}
