import { findCondition, resources, type HelmRelease } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { CelFailure, type DependencyPlan, type ReleasePlan } from '@sluice/release';

/** The first release that must be ready first and is not, in words; undefined when nothing blocks. */
export async function blockedDependency(
  kube: KubeApi,
  release: HelmRelease,
  plan: Pick<ReleasePlan, 'dependsOn'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const dependency of plan.dependsOn) {
    const { name, namespace = release.metadata.namespace ?? '' } = dependency;
    const other = await kube.get<HelmRelease>(resources.helmReleases, { namespace, name }, signal);
    const named = `HelmRelease ${namespace}/${name} (spec.dependsOn)`;
    if (!other) return `${named} does not exist`;
    const why = notReady(release, other, dependency);
    if (why) return `${named} ${why}`;
  }
  return undefined;
}

function notReady(self: HelmRelease, dep: HelmRelease, { readyExpr }: DependencyPlan): string | undefined {
  if (!readyExpr) {
    const current = dep.status?.observedGeneration === dep.metadata.generation;
    const ready = findCondition(dep.status?.conditions, 'Ready');
    return current && ready?.status === 'True' ? undefined : 'is not ready';
  }
  try {
    return readyExpr.evaluate({ self, dep }) ? undefined : `does not fulfil readyExpr: ${readyExpr.text.slice(0, 200)}`;
  } catch (error) {
    if (error instanceof CelFailure) return `cannot be judged by readyExpr: ${error.message}`;
    throw error;
  }
}
