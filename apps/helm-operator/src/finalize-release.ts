import {
  findCondition,
  formatProblems,
  resources,
  TerminalError,
  type HelmRelease,
  type HelmReleaseStatus,
  type JsonObject,
} from '@sluice/model';
import { removeFinalizer, type ReconcileResult } from '@sluice/reconcile';
import { parseReleaseSpec, releaseNameOf, type UninstallPlan } from '@sluice/release';
import { removeHelmChart } from './chart-source.ts';
import type { ReleasePorts } from './release-context.ts';
import { sweepInventory } from './sweep-inventory.ts';
import { TargetError } from './target-cluster.ts';
import { sha256 } from './sha256.ts';
import type { StatusDraft } from './status-draft.ts';

/** Keeps a HelmRelease until its release is uninstalled. */
export const finalizer = 'finalizers.fluxcd.io';

const retryMs = 15_000;
/** Objects on their way out are looked at again after this time. */
const leavingMs = 3_000;

/** Uninstall what a deleted HelmRelease has installed, then let it go. A suspended one leaves its release where it is. */
export async function finalizeRelease(
  own: ReleasePorts,
  release: HelmRelease,
  draft: StatusDraft<HelmReleaseStatus>,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  // The storage namespace is set before the first attempt: without it nothing of ours can be in the cluster.
  const { storageNamespace, history = [] } = draft.current;
  const installed = storageNamespace !== undefined && !release.spec?.suspend;
  const ports = installed ? await portsOf(own, release, signal) : own;
  if (ports instanceof TargetError) {
    draft.condition({ type: 'Ready', status: 'False', reason: ports.reason, message: ports.message });
    await draft.save();
    return { requeueAfterMs: retryMs };
  }
  if (ports && installed) {
    const target = history[0] ?? { name: releaseNameOf(release, sha256), namespace: storageNamespace };
    const removal = { release, draft, target: { name: target.name, namespace: target.namespace }, signal };
    const again = await leave(ports, removal);
    if (again) return again;
  }
  if (draft.current.helmChart) await removeHelmChart(own.kube, release, draft.current.helmChart);
  await removeFinalizer(own.kube, resources.helmReleases, release, finalizer);
  return {};
}

/** undefined when the cluster or the account is gone: then nothing can be uninstalled, and the object must not wait for ever. */
async function portsOf(
  own: ReleasePorts,
  release: HelmRelease,
  signal: AbortSignal,
): Promise<ReleasePorts | TargetError | undefined> {
  // Only where it is installed counts here: other mistakes in the spec must not keep it, nor lead to another cluster.
  const spec: JsonObject = release.spec ?? {};
  const { kubeConfig, serviceAccountName } = spec;
  const place = { ...(kubeConfig ? { kubeConfig } : {}), ...(serviceAccountName ? { serviceAccountName } : {}) };
  const parsed = parseReleaseSpec({ interval: '1m', chartRef: { kind: 'HelmChart', name: 'none' }, ...place });
  try {
    if (!parsed.ok) return new TargetError(`cannot uninstall: ${formatProblems(parsed.problems)}`);
    return await own.targets.portsFor(own, release, parsed.value.target, signal);
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    if (!error.gone) return error;
    own.events.event(release, 'Warning', 'UninstallSkipped', `nothing was uninstalled: ${error.message}`);
    return undefined;
  }
}

type Removal = {
  readonly release: HelmRelease;
  readonly draft: StatusDraft<HelmReleaseStatus>;
  readonly target: { readonly name: string; readonly namespace: string };
  readonly signal: AbortSignal;
};

/** When to look again; undefined once nothing of the release is left but what is meant to stay. */
async function leave(ports: ReleasePorts, removal: Removal): Promise<ReconcileResult | undefined> {
  const { release, draft, target, signal } = removal;
  const plan = uninstallPlanOf(release);
  await ports.helm.settled(target);
  const [latest] = await ports.storage.read(target.namespace, target.name, signal);
  const present = latest !== undefined && latest.status !== 'uninstalled';
  if (present && !(await uninstall(ports, removal, plan))) return { requeueAfterMs: retryMs };
  // What an uninstall without waiting has asked for may still be under way, and may stay so.
  if (plan.wait === 'none') return undefined;
  const left = await sweepInventory(ports.kube, draft.current.inventory, target, signal);
  if (left === undefined) return undefined;
  await fail(ports, removal, `Helm release ${target.namespace}/${target.name} is uninstalled, but ${left}`);
  return { requeueAfterMs: leavingMs };
}

async function fail(ports: ReleasePorts, { release, draft }: Removal, message: string): Promise<void> {
  const before = findCondition(draft.current.conditions, 'Ready');
  draft.condition({ type: 'Released', status: 'False', reason: 'UninstallFailed', message });
  draft.condition({ type: 'Ready', status: 'False', reason: 'UninstallFailed', message });
  await draft.save();
  if (before?.message !== message) ports.events.event(release, 'Warning', 'UninstallFailed', message);
}

async function uninstall(
  ports: ReleasePorts,
  removal: Removal,
  { keepHistory, cascade, timeoutMs, wait, disableHooks }: UninstallPlan,
): Promise<boolean> {
  const { release, target, signal } = removal;
  const result = await ports.helm.uninstall({ ...target, timeoutMs, wait, disableHooks, keepHistory, cascade }, signal);
  if (result.ok || result.failure.kind === 'NotFound') {
    ports.events.event(
      release,
      'Normal',
      'UninstallSucceeded',
      `uninstalled release ${target.namespace}/${target.name}`,
    );
    return true;
  }
  const message = `Helm uninstall failed for release ${target.namespace}/${target.name}: ${result.failure.message}`;
  await fail(ports, removal, message);
  return false;
}

/** A spec that has become unreadable must not keep an object from being deleted: then the defaults count. */
function uninstallPlanOf(release: HelmRelease): UninstallPlan {
  const spec = release.spec ?? { interval: '1m' };
  const parsed = parseReleaseSpec(spec);
  if (parsed.ok) return parsed.value.uninstall;
  const fallback = parseReleaseSpec({ interval: '1m', chartRef: { kind: 'OCIRepository', name: 'none' } });
  if (fallback.ok) return fallback.value.uninstall;
  throw new TerminalError('InvalidSpec', formatProblems(fallback.problems));
}
