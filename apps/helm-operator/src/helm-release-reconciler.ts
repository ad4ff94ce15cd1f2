import {
  findCondition,
  formatProblems,
  resources,
  type HelmRelease,
  type HelmReleaseStatus,
  type JsonObject,
  type Problem,
} from '@sluice/model';
import { BadChart, type Chart } from '@sluice/helm';
import { BadArchive } from '@sluice/oci';
import {
  addFinalizer,
  hasFinalizer,
  isKubeError,
  jittered,
  type Reconcile,
  type ReconcileResult,
} from '@sluice/reconcile';
import {
  annotations,
  configDigest,
  isNewAttempt,
  parseReleaseSpec,
  pendingRequests,
  releaseNameOf,
  releaseNamespaceOf,
  resetFailures,
  ValuesError,
  type DesiredRelease,
  type ReleasePlan,
} from '@sluice/release';
import { finalizeRelease, finalizer } from './finalize-release.ts';
import { blockedDependency } from './dependencies.ts';
import { ensureHelmChart, readySource, type ChartArtifact } from './chart-source.ts';
import { readValues } from './read-values.ts';
import type { ReleasePorts } from './release-context.ts';
import { runPass } from './release-pass.ts';
import { sha256 } from './sha256.ts';
import { TargetError } from './target-cluster.ts';
import { StatusDraft } from './status-draft.ts';

/** What a release waits for is looked at again after this time; a watch usually comes first. */
const waitMs = 30_000;

/** Brings HelmReleases to what they want. */
export function helmReleaseReconciler(ports: ReleasePorts): Reconcile {
  return async (key, signal): Promise<ReconcileResult> => {
    const release = await ports.kube.get<HelmRelease>(resources.helmReleases, key, signal);
    if (!release) return {};
    const draft = new StatusDraft<HelmReleaseStatus>(ports.kube, resources.helmReleases, release, ports);
    if (release.metadata.deletionTimestamp) {
      return hasFinalizer(release, finalizer) ? finalizeRelease(ports, release, draft, signal) : {};
    }
    if (release.spec?.suspend) return {};
    await addFinalizer(ports.kube, resources.helmReleases, release, finalizer);
    const token = release.metadata.annotations?.[annotations.requestedAt];
    const result = await reconcileRelease(ports, release, draft, signal);
    if (token && token !== draft.current.lastHandledReconcileAt) {
      draft.set({ lastHandledReconcileAt: token });
      await draft.save();
    }
    return result;
  };
}

type Draft = StatusDraft<HelmReleaseStatus>;

async function reconcileRelease(
  ports: ReleasePorts,
  release: HelmRelease,
  draft: Draft,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const parsed = parseReleaseSpec(release.spec ?? { interval: '' });
  if (!parsed.ok) return refuseSpec(ports, release, draft, parsed.problems);
  const plan = parsed.value;
  const blocked = await blockedDependency(ports.kube, release, plan, signal);
  if (blocked) return wait(draft, 'DependencyNotReady', blocked);
  await ensureHelmChart(ports, { release, plan, draft, signal });
  const source = await readySource(ports, release, plan, signal);
  if (typeof source === 'string') return wait(draft, 'SourceNotReady', source);
  const prepared = await prepare(ports, { release, plan, source, draft, signal });
  if (!prepared) return { requeueAfterMs: jittered(Math.min(plan.intervalMs, 60_000)) };
  const { chart, values } = prepared;
  const desired: DesiredRelease = {
    name: releaseNameOf(release, sha256),
    namespace: releaseNamespaceOf(release),
    chartName: chart.metadata.name,
    chartVersion: chart.metadata.version,
    configDigest: configDigest(values, sha256),
    ...(source.digestInVersion ? { ociDigest: source.digestInVersion } : {}),
  };
  const target = await targetOf(ports, { release, plan, draft, signal });
  if ('requeueAfterMs' in target) return target;
  try {
    return await deploy(target.ports, { release, plan, source, draft, signal }, { desired, chart, values });
  } catch (error) {
    const foreign = plan.target.serviceAccount !== undefined || plan.target.kubeConfig !== undefined;
    if (!foreign || !isKubeError(error, 'Forbidden', 'Unauthorized')) throw error;
    return wait(draft, 'RESTClientError', error.message);
  }
}

type Wanted = { readonly desired: DesiredRelease; readonly chart: Chart; readonly values: JsonObject };

async function deploy(
  ports: ReleasePorts,
  { release, plan, draft, signal }: Preparation,
  { desired, chart, values }: Wanted,
): Promise<ReconcileResult> {
  const moved = await leaveOldTarget(ports, { release, plan, draft, signal }, desired);
  if (moved) return moved;
  noteAttempt(release, draft, desired);
  ports.events.describe(release, eventFacts(desired, chart.metadata.appVersion));
  return runPass({ ports, release, plan, desired, chart, values, draft, signal });
}

async function refuseSpec(
  ports: ReleasePorts,
  release: HelmRelease,
  draft: Draft,
  problems: readonly Problem[],
): Promise<ReconcileResult> {
  const source = problems.some(({ path }) => path?.endsWith('.sourceRef.kind') || path === 'spec.chartRef.kind');
  const codes = problems.map(({ code }) => code);
  const named = ['Unsupported', 'InvalidCELExpression'].find((code) => codes.includes(code));
  const reason = source ? 'UnsupportedSource' : (named ?? 'InvalidSpec');
  const message = formatProblems(problems);
  const known = findCondition(draft.current.conditions, 'Stalled');
  if (known?.message !== message) ports.events.event(release, 'Warning', reason, message);
  draft.drop('Reconciling');
  draft.condition({ type: 'Stalled', status: 'True', reason, message });
  draft.condition({ type: 'Ready', status: 'False', reason, message });
  draft.set({ observedGeneration: draft.generation });
  await draft.save();
  return {};
}

async function wait(draft: Draft, reason: string, message: string, delayMs = waitMs): Promise<ReconcileResult> {
  draft.drop('Stalled');
  draft.condition({ type: 'Reconciling', status: 'True', reason: 'Progressing', message });
  draft.condition({ type: 'Ready', status: 'False', reason, message });
  await draft.save();
  return { requeueAfterMs: delayMs };
}

type Preparation = {
  readonly release: HelmRelease;
  readonly plan: ReleasePlan;
  readonly source: ChartArtifact;
  readonly draft: Draft;
  readonly signal: AbortSignal;
};

/** Values and chart; undefined when either is unusable, which the status then says. */
async function prepare(ports: ReleasePorts, { release, plan, source, draft, signal }: Preparation) {
  try {
    const values = await readValues(ports.kube, release.metadata.namespace ?? '', plan, signal);
    const chart: Chart = await ports.store.chart(source.digest, source.digestInVersion);
    clearReason(
      draft,
      'ValuesError',
      'ArtifactFailed',
      'SourceNotReady',
      'DependencyNotReady',
      'InvalidSpec',
      'InvalidCELExpression',
      'Unsupported',
      'UnsupportedSource',
    );
    return { values, chart };
  } catch (error) {
    const reason = error instanceof ValuesError ? 'ValuesError' : 'ArtifactFailed';
    if (!(error instanceof ValuesError || error instanceof BadChart || error instanceof BadArchive)) throw error;
    if (findCondition(draft.current.conditions, 'Ready')?.message !== error.message) {
      ports.events.event(release, 'Warning', reason, error.message);
    }
    await wait(draft, reason, error.message);
    return undefined;
  }
}

/** The ports of the cluster and the user that the release is for; else when to look again. */
async function targetOf(
  ports: ReleasePorts,
  { release, plan, draft, signal }: Omit<Preparation, 'source'>,
): Promise<{ readonly ports: ReleasePorts } | { readonly requeueAfterMs: number }> {
  try {
    const found = await ports.targets.portsFor(ports, release, plan.target, signal);
    clearReason(draft, 'RESTClientError');
    return { ports: found };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    const { requeueAfterMs = waitMs } = await wait(draft, error.reason, error.message);
    return { requeueAfterMs };
  }
}

/** A stage that passes takes its own old complaint back. */
function clearReason(draft: Draft, ...reasons: readonly string[]): void {
  const ready = findCondition(draft.current.conditions, 'Ready');
  if (!ready || !reasons.includes(ready.reason)) return;
  draft.drop('Stalled');
  draft.condition({ type: 'Ready', status: 'Unknown', reason: 'Progressing', message: 'reconciliation in progress' });
}

/** When the release moves to another name, namespace or chart, the old one is uninstalled first. */
async function leaveOldTarget(
  ports: ReleasePorts,
  { release, plan, draft, signal }: Omit<Preparation, 'source'>,
  desired: DesiredRelease,
): Promise<ReconcileResult | undefined> {
  const [newest] = draft.current.history ?? [];
  if (!newest) return undefined;
  const renamed = newest.name !== desired.name || newest.namespace !== desired.namespace;
  const replaced = newest.chartName !== desired.chartName && plan.upgrade.chartNameChange === 'Reinstall';
  if (!renamed && !replaced) return undefined;
  const target = { name: newest.name, namespace: newest.namespace };
  const { timeoutMs, wait: waiting, disableHooks, cascade } = plan.uninstall;
  const result = await ports.helm.uninstall({ ...target, timeoutMs, wait: waiting, disableHooks, cascade }, signal);
  if (!result.ok) {
    return wait(
      draft,
      'UninstallFailed',
      `the former release ${target.namespace}/${target.name} could not be uninstalled: ${result.failure.message}`,
    );
  }
  ports.events.event(
    release,
    'Normal',
    'UninstallSucceeded',
    `uninstalled the former release ${target.namespace}/${target.name}`,
  );
  draft.current = resetFailures({ ...draft.current, history: [] });
  await draft.save();
  return { requeueAfterMs: 0 };
}

/** What events about the release are annotated with. */
function eventFacts(desired: DesiredRelease, appVersion: string | undefined): Readonly<Record<string, string>> {
  const { chartVersion, configDigest: token, ociDigest } = desired;
  const prefix = 'helm.toolkit.fluxcd.io';
  return {
    [`${prefix}/revision`]: chartVersion,
    [`${prefix}/token`]: token,
    ...(appVersion ? { [`${prefix}/app-version`]: appVersion } : {}),
    ...(ociDigest ? { [`${prefix}/oci-digest`]: ociDigest } : {}),
  };
}

/** Write down what is attempted, and start counting anew when it is something else than before. */
function noteAttempt(release: HelmRelease, draft: Draft, desired: DesiredRelease): void {
  const key = { generation: draft.generation, revision: desired.chartVersion, configDigest: desired.configDigest };
  const { reset, token } = pendingRequests(release.metadata.annotations, draft.current);
  const counted = (draft.current.failures ?? 0) > 0;
  if (counted && (reset || isNewAttempt(draft.current, key))) {
    draft.current = resetFailures(draft.current);
    draft.drop('Stalled');
  }
  if (reset && token) draft.set({ lastHandledResetAt: token });
  draft.set({
    lastAttemptedGeneration: key.generation,
    lastAttemptedRevision: key.revision,
    lastAttemptedConfigDigest: key.configDigest,
    ...(desired.ociDigest ? { lastAttemptedRevisionDigest: desired.ociDigest } : {}),
  });
}
