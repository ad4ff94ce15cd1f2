import { findCondition, keyOf, keyText } from '@sluice/model';
import type { HelmFailure, HelmResult, ReleaseRecord } from '@sluice/helm';
import {
  addSnapshot,
  countFailure,
  formatDuration,
  isTestHook,
  refreshHistory,
  takeSnapshot,
  typeOf,
  withTestResults,
  type OperationPlan,
  type ReleaseAction,
} from '@sluice/release';
import { applyCrds, CrdFailed } from './apply-crds.ts';
import { explainFailure } from './explain-failure.ts';
import { waitForHealth } from './health-wait.ts';
import { noteRendering, postRenderOf } from './post-rendering.ts';
import { describeDesired, type ReleaseContext } from './release-context.ts';
import { reportRevision } from './release-report.ts';
import { timestamp } from './ports.ts';
import { sha256 } from './sha256.ts';

/** How an action ended: `unstored` failures left no trace in Helm's storage, `superseded` ones were ended by us. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'unstored'; readonly message: string }
  | { readonly kind: 'superseded' };

type Runnable = Exclude<ReleaseAction, { kind: 'none' | 'refuse' | 'correct-drift' }>;

const maxFailureText = 1_500;

/** Carry out an action and note in the draft what became of it. */
export async function performAction(
  context: ReleaseContext,
  action: Runnable,
  records: readonly ReleaseRecord[],
): Promise<Outcome> {
  switch (action.kind) {
    case 'unlock':
      return unlock(context, action, records);
    case 'install':
    case 'upgrade':
      return release(context, action, records);
    case 'test':
      return test(context, action);
    case 'rollback':
      return rollback(context, action, records);
    case 'uninstall':
      return uninstall(context, records);
    default:
      return action satisfies never;
  }
}

async function unlock(
  { ports, release: object, desired, draft }: ReleaseContext,
  action: Extract<Runnable, { kind: 'unlock' }>,
  records: readonly ReleaseRecord[],
): Promise<Outcome> {
  const { namespace, name } = desired;
  const locked = records[0];
  const unlocked = await ports.storage.unlock(namespace, name, action);
  if (!unlocked || !locked) return { kind: 'done' };
  const how = action.discard ? 'removed it to repeat the operation' : 'marked it failed';
  const message = `revision ${action.version} of release ${namespace}/${name} was left ${locked.status} by a helm that was killed; ${how}`;
  ports.events.event(object, 'Warning', 'PendingRelease', message);
  // What is repeated takes its old conditions up again: why the upgrade before a rollback failed must not be lost.
  if (!action.discard) {
    draft.condition({ type: 'Released', status: 'False', reason: 'PendingRelease', message });
    const [record] = await ports.storage.read(namespace, name);
    const facts = {
      action: draft.current.lastAttemptedReleaseAction ?? 'upgrade',
      configDigest: draft.current.lastAttemptedConfigDigest ?? '',
    };
    if (record) draft.set({ history: addSnapshot(draft.current.history ?? [], takeSnapshot(record, facts, sha256)) });
  }
  return { kind: 'done' };
}

async function release(
  context: ReleaseContext,
  action: Extract<Runnable, { kind: 'install' | 'upgrade' }>,
  records: readonly ReleaseRecord[],
): Promise<Outcome> {
  const { ports, plan, desired, draft, chart, release: object } = context;
  const operation = plan[action.kind];
  draft.drop('TestSuccess', 'Remediated');
  if (action.kind === 'install' || action.adopt) draft.set({ history: [] });
  draft.set({ lastAttemptedReleaseAction: action.kind, storageNamespace: desired.namespace });
  await announce(context, action, operation);
  const { signal: until } = context;
  const ignored = await applyCrds(ports.kube, chart, { policy: operation.crds, release: object, signal: until }).catch(
    (error: unknown) => {
      if (error instanceof CrdFailed) return error;
      throw error;
    },
  );
  if (ignored instanceof CrdFailed) return unstored(context, action, ignored);
  if (ignored.length > 0) ports.events.event(object, 'Warning', 'CrdIgnored', ignored.join('; '));
  const startedMs = performance.now();
  const result = await interruptible(context, async (signal) => {
    const done = action.kind === 'install' ? runInstall(context, signal) : runUpgrade(context, records[0], signal);
    const helmResult = await done;
    return (helmResult.ok && (await waitForHealth(context, operation, startedMs, signal))) || helmResult;
  });
  const duration = formatDuration(performance.now() - startedMs);
  draft.set({ lastAttemptedReleaseActionDuration: duration });
  if (result.ok) noteRendering(context);
  const { ociDigest } = desired;
  const facts = { action: action.kind, configDigest: desired.configDigest, ...(ociDigest ? { ociDigest } : {}) };
  return conclude(context, action, { result, before: records[0], facts, type: 'Released' });
}

function runInstall(context: ReleaseContext, signal: AbortSignal): Promise<HelmResult> {
  const { ports, plan, desired, chart, values } = context;
  const { install } = plan;
  return ports.helm.install(
    {
      name: desired.name,
      namespace: desired.namespace,
      chartDirectory: chart.directory,
      values: JSON.stringify(values),
      ...waitOptions(install),
      ...postRenderOf(context),
      serverSide: install.serverSide,
      createNamespace: install.createNamespace,
      replace: install.replace,
      takeOwnership: install.takeOwnership,
      disableOpenApiValidation: install.disableOpenApiValidation,
      disableSchemaValidation: install.disableSchemaValidation,
    },
    signal,
  );
}

function runUpgrade(
  context: ReleaseContext,
  latest: ReleaseRecord | undefined,
  signal: AbortSignal,
): Promise<HelmResult> {
  const { ports, plan, desired, chart, values } = context;
  const { upgrade } = plan;
  return ports.helm.upgrade(
    {
      name: desired.name,
      namespace: desired.namespace,
      chartDirectory: chart.directory,
      values: JSON.stringify(values),
      ...waitOptions(upgrade),
      ...postRenderOf(context),
      serverSide: isServerSide(upgrade.serverSide, latest),
      force: upgrade.force,
      reuseValues: upgrade.preserveValues,
      cleanupOnFail: upgrade.cleanupOnFail,
      maxHistory: plan.maxHistory,
      takeOwnership: upgrade.takeOwnership,
      disableOpenApiValidation: upgrade.disableOpenApiValidation,
      disableSchemaValidation: upgrade.disableSchemaValidation,
    },
    signal,
  );
}

function waitOptions({ timeoutMs, wait, waitForJobs, disableHooks }: OperationPlan): OperationPlan {
  return { timeoutMs, wait, waitForJobs, disableHooks };
}

/** `auto` goes on as the release began. */
function isServerSide(setting: 'enabled' | 'disabled' | 'auto', latest: ReleaseRecord | undefined): boolean {
  return setting === 'auto' ? latest?.applyMethod !== 'csa' : setting === 'enabled';
}

async function rollback(
  context: ReleaseContext,
  action: Extract<Runnable, { kind: 'rollback' }>,
  records: readonly ReleaseRecord[],
): Promise<Outcome> {
  const { ports, plan, desired, draft } = context;
  await announce(context, action, plan.rollback);
  const target = records.find(({ version }) => version === action.version);
  const snapshot = draft.current.history?.find(({ version }) => version === action.version);
  const result = await ports.helm.rollback(
    {
      name: desired.name,
      namespace: desired.namespace,
      revision: action.version,
      ...waitOptions(plan.rollback),
      serverSide: isServerSide(plan.rollback.serverSide, target),
      force: plan.rollback.force,
      cleanupOnFail: plan.rollback.cleanupOnFail,
      maxHistory: plan.maxHistory,
    },
    context.signal,
  );
  const ociDigest = snapshot?.ociDigest;
  const facts = { action: 'rollback', configDigest: snapshot?.configDigest ?? '', ...(ociDigest ? { ociDigest } : {}) };
  return conclude(context, action, { result, before: records[0], facts, type: 'Remediated' });
}

async function uninstall(context: ReleaseContext, records: readonly ReleaseRecord[]): Promise<Outcome> {
  const { ports, plan, desired, draft } = context;
  await announce(context, { kind: 'uninstall' }, plan.uninstall);
  const { keepHistory, cascade } = plan.uninstall;
  const target = { name: desired.name, namespace: desired.namespace };
  const result = await ports.helm.uninstall(
    { ...target, ...waitOptions(plan.uninstall), keepHistory, cascade },
    context.signal,
  );
  const version = records[0]?.version;
  if (result.ok) {
    const deleted = timestamp(ports);
    const history = (draft.current.history ?? []).map((snapshot) =>
      snapshot.version === version ? { ...snapshot, status: 'uninstalled', deleted } : snapshot,
    );
    draft.set({ history });
  }
  return note(context, { kind: 'uninstall' }, { result, type: 'Remediated' });
}

async function test(context: ReleaseContext, action: Extract<Runnable, { kind: 'test' }>): Promise<Outcome> {
  const { ports, plan, desired, draft } = context;
  await announce(context, action, plan.test);
  const target = { name: desired.name, namespace: desired.namespace };
  const { timeoutMs, filters } = plan.test;
  const result = await interruptible(context, (signal) => ports.helm.test({ ...target, timeoutMs, filters }, signal));
  const [record] = await ports.storage.read(desired.namespace, desired.name);
  const hooks = record?.hooks ?? [];
  if (result.ok || hooks.some((hook) => isTestHook(hook) && hook.lastRun)) {
    draft.set({ history: withTestResults(draft.current.history ?? [], hooks) });
  }
  return note(context, action, { result, type: 'TestSuccess', ...(record ? { record } : {}) });
}

/** Say in the status what is about to happen, before it does. */
async function announce(
  { draft }: ReleaseContext,
  { kind }: Runnable,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<void> {
  const message = `Running '${kind}' action with timeout of ${formatDuration(timeoutMs)}`;
  draft.condition({ type: 'Reconciling', status: 'True', reason: 'Progressing', message });
  if (kind === 'install' || kind === 'upgrade') {
    draft.condition({ type: 'Ready', status: 'Unknown', reason: 'Progressing', message });
  }
  await draft.save();
}

async function interruptible(
  { ports, release: object, signal }: ReleaseContext,
  run: (signal: AbortSignal) => Promise<HelmResult>,
): Promise<HelmResult> {
  const interruption = ports.interrupts.begin(keyText(keyOf(object)), signal);
  try {
    return await run(interruption.signal);
  } finally {
    interruption.end();
  }
}

type Conclusion = {
  readonly result: HelmResult;
  readonly before: ReleaseRecord | undefined;
  readonly facts: { readonly action: string; readonly configDigest: string; readonly ociDigest?: string };
  readonly type: 'Released' | 'Remediated';
};

async function conclude(
  context: ReleaseContext,
  action: Runnable,
  { result, before, facts, type }: Conclusion,
): Promise<Outcome> {
  const { ports, desired, draft } = context;
  const records = await ports.storage.read(desired.namespace, desired.name);
  const [latest] = records;
  const stored = latest !== undefined && latest.version !== before?.version;
  if (stored) {
    const refreshed = refreshHistory(draft.current.history ?? [], records, sha256);
    draft.set({ history: addSnapshot(refreshed, takeSnapshot(latest, facts, sha256)) });
    await reportRevision(context, latest, before);
  }
  if (!result.ok && !stored && result.failure.kind !== 'Cancelled') {
    return unstored(context, action, result.failure);
  }
  return note(context, action, { result, type, ...(stored ? { record: latest } : {}) });
}

/** An attempt that left no trace in Helm's storage. */
function unstored(context: ReleaseContext, action: Runnable, failure: Pick<HelmFailure, 'message'>): Outcome {
  const message = failureMessage(context, action, failure);
  context.draft.condition({ type: 'Ready', status: 'False', reason: reasonOf(action, false), message });
  context.ports.events.event(context.release, 'Warning', reasonOf(action, false), message);
  return { kind: 'unstored', message };
}

type Note = {
  readonly result: HelmResult;
  readonly type: 'Released' | 'Remediated' | 'TestSuccess';
  readonly record?: ReleaseRecord;
};

async function note(context: ReleaseContext, action: Runnable, { result, type, record }: Note): Promise<Outcome> {
  const { ports, desired, draft, release: object } = context;
  if (result.ok) {
    const message = successMessage(context, action, record);
    draft.condition({ type, status: 'True', reason: reasonOf(action, true), message });
    ports.events.event(object, 'Normal', reasonOf(action, true), message);
    return { kind: 'done' };
  }
  if (result.failure.kind === 'Cancelled') {
    const message = `the ${action.kind} of ${describeDesired(desired)} was interrupted: ${whyInterrupted(context)}`;
    draft.condition({ type, status: 'False', reason: 'HealthCheckCanceled', message });
    ports.events.event(object, 'Normal', 'HealthCheckCanceled', message);
    return { kind: 'superseded' };
  }
  const explanation = await explainFailure(ports.kube, record, context.signal);
  const message = [failureMessage(context, action, result.failure), explanation].filter(Boolean).join('\n');
  draft.condition({ type, status: 'False', reason: reasonOf(action, false), message });
  if (typeOf(action) !== 'remediate') draft.current = countFailure(draft.current, action);
  ports.events.event(object, 'Warning', reasonOf(action, false), message);
  return { kind: 'failed' };
}

function whyInterrupted({ signal }: ReleaseContext): string {
  return signal.aborted ? 'the operator is shutting down' : 'a newer desired state is waiting';
}

function successMessage(
  { desired, draft }: ReleaseContext,
  { kind }: Runnable,
  record: ReleaseRecord | undefined,
): string {
  const { namespace, name } = desired;
  const failed = ['TestSuccess', 'Released']
    .map((type) => findCondition(draft.current.conditions, type))
    .find((condition) => condition?.status === 'False');
  const cause = failed ? `. What failed: ${failed.message}` : '';
  if (kind === 'uninstall') return `Helm uninstall remediation for release ${namespace}/${name} succeeded${cause}`;
  if (kind === 'rollback' && record) {
    const { chart, version } = record;
    return `Helm rollback succeeded: release ${namespace}/${name} now serves chart ${chart.name}@${chart.version} as revision ${version}${cause}`;
  }
  const revision = record ? ` as revision ${record.version}` : '';
  return `Helm ${kind} succeeded for ${describeDesired(desired)}${revision}`;
}

function failureMessage(
  { desired }: ReleaseContext,
  { kind }: Runnable,
  { message }: Pick<HelmFailure, 'message'>,
): string {
  return `Helm ${kind} failed for ${describeDesired(desired)}: ${message.slice(0, maxFailureText)}`;
}

function reasonOf({ kind }: Runnable, succeeded: boolean): string {
  const name = kind === 'unlock' ? 'PendingRelease' : kind.charAt(0).toUpperCase() + kind.slice(1);
  return `${name}${succeeded ? 'Succeeded' : 'Failed'}`;
}
