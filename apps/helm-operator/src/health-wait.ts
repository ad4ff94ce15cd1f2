import { keyOf, type KubeObject } from '@sluice/model';
import { readManifest, type HelmResult, type ReleaseRecord } from '@sluice/helm';
import { pause } from '@sluice/reconcile';
import { healthCheckFor, judgeHealth, type HealthCheck, type OperationPlan } from '@sluice/release';
import { ClusterKinds } from './cluster-kinds.ts';
import type { ReleaseContext } from './release-context.ts';

const pollMs = 1_000;

/**
 * After helm has waited by its own rules: wait for the objects that have expressions of their own. A release that fails them is
 * marked failed, as helm would have done.
 */
export async function waitForHealth(
  { ports, plan, desired }: ReleaseContext,
  operation: OperationPlan,
  startedMs: number,
  signal: AbortSignal,
): Promise<HelmResult | undefined> {
  if (plan.healthChecks.length === 0 || operation.wait !== 'watcher') return undefined;
  const [record] = await ports.storage.read(desired.namespace, desired.name, signal);
  if (!record) return undefined;
  const message = await unhealthy(ports.kube, record, {
    checks: plan.healthChecks,
    deadlineMs: startedMs + operation.timeoutMs,
    signal,
  });
  if (message === undefined) return undefined;
  await ports.storage.fail(desired.namespace, desired.name, record.version, message);
  const kind = signal.aborted ? 'Cancelled' : 'NotReady';
  return { ok: false, failure: { kind, message, log: '' } };
}

type Watch = { readonly checks: readonly HealthCheck[]; readonly deadlineMs: number; readonly signal: AbortSignal };

async function unhealthy(
  kube: ReleaseContext['ports']['kube'],
  record: ReleaseRecord,
  { checks, deadlineMs, signal }: Watch,
): Promise<string | undefined> {
  const kinds = new ClusterKinds(kube);
  let waiting = readManifest(record.manifest).filter((object) => healthCheckFor(checks, object));
  for (;;) {
    const left: KubeObject[] = [];
    for (const object of waiting) {
      const resource = await kinds.resourceOf(object);
      const key = { namespace: record.namespace, ...keyOf(object) };
      const live = resource && (await kube.get(resource, resource.namespaced ? key : keyOf(object)));
      const check = healthCheckFor(checks, object);
      const health = live && check ? judgeHealth(check, live) : 'in progress';
      if (health === 'failed') return `${nameOf(object)} has failed: ${check?.failed?.text ?? ''}`;
      if (health !== 'current') left.push(object);
    }
    if (left.length === 0) return undefined;
    waiting = left;
    const names = left.slice(0, 5).map(nameOf).join(', ');
    if (signal.aborted) return `the wait for ${names} was interrupted`;
    if (performance.now() > deadlineMs) return `${names} did not become healthy in time (spec.healthCheckExprs)`;
    await pause(pollMs, signal).catch(() => undefined);
  }
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
}
