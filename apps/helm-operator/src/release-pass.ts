import { findCondition, TransientError } from '@sluice/model';
import { jittered, type ReconcileResult } from '@sluice/reconcile';
import {
  activePlan,
  afterPass,
  attemptsOf,
  determineState,
  healConditions,
  isRepeatable,
  nextAction,
  pendingRequests,
  resetFailures,
  summarizeReady,
  truncateHistory,
  typeOf,
  type ActionType,
  type Later,
  type ReleaseAction,
  type StateInput,
} from '@sluice/release';
import { renderingChange } from './post-rendering.ts';
import { describeDesired, type ReleaseContext } from './release-context.ts';
import { performAction, type Outcome } from './release-operations.ts';
import { lookForDrift, mendDrift, noteDrift } from './drift-pass.ts';
import { timestamp } from './ports.ts';
import { sha256 } from './sha256.ts';
import { takeOverRecords } from './take-over.ts';

/** Longer than the longest chain: unlock, upgrade, test, rollback, and the look that finds nothing to do. */
const maxSteps = 8;

/** Bring a release to what is wanted: look, do the one next thing, look again. Says when to come back. */
export async function runPass(context: ReleaseContext): Promise<ReconcileResult> {
  const executed = new Set<ActionType>();
  let last: ReleaseAction = { kind: 'none' };
  for (let step = 0; step < maxSteps; step++) {
    const { action, records, drift } = await decide(context);
    if (action.kind === 'none' || action.kind === 'correct-drift') noteDrift(context, drift);
    if (action.kind === 'none') return conclude(context, { when: 'interval' }, true);
    if (action.kind === 'refuse')
      return conclude(context, { when: 'stalled', reason: action.reason, message: action.message });
    if (action.kind === 'correct-drift') {
      await mendDrift(context, drift);
      return conclude(context, { when: 'interval' }, true);
    }
    if (executed.has(typeOf(action))) return conclude(context, later(context, last));
    const outcome = await performAction(context, action, records);
    executed.add(typeOf(action));
    last = action;
    const stop = await afterAction(context, action, outcome);
    if (stop) return stop;
    await summarizeAndSave(context);
  }
  throw new TransientError(
    `release ${context.desired.namespace}/${context.desired.name} did not settle within ${maxSteps} steps`,
  );
}

async function decide(context: ReleaseContext) {
  const { ports, plan, desired, draft, release } = context;
  await ports.helm.settled(desired);
  const records = await ports.storage.read(desired.namespace, desired.name, context.signal);
  takeOverRecords(context, records);
  const attempts = attemptsOf(draft.current);
  const active = activePlan(plan, attempts);
  const history = draft.current.history ?? [];
  const ignoreFailures = active?.remediation.ignoreTestFailures ?? plan.test.ignoreFailures;
  const input: StateInput = {
    records,
    history,
    desired,
    attempted: active !== undefined,
    sha256,
    ...(plan.test.enabled ? { test: { ignoreFailures } } : {}),
    ...renderingChange(context),
  };
  const settled = determineState(input);
  const forced = pendingRequests(release.metadata.annotations, draft.current).force;
  const [latest] = records;
  const drift = settled.kind === 'InSync' && !forced && latest ? await lookForDrift(context, latest) : [];
  const state = drift.length > 0 ? determineState({ ...input, drifted: true }) : settled;
  const repeatable =
    state.kind === 'Locked' &&
    latest !== undefined &&
    attempts.lastAction !== undefined &&
    isRepeatable(latest, desired, sha256);
  const action = nextAction(state, { plan, attempts, forced, records, history, repeatable, sha256 });
  ports.log.debug('release decided', { state: state.kind, reason: state.reason, action: action.kind });
  return { action, records, drift };
}

async function afterAction(
  context: ReleaseContext,
  action: ReleaseAction,
  outcome: Outcome,
): Promise<ReconcileResult | undefined> {
  const { draft, plan, release } = context;
  const token = pendingRequests(release.metadata.annotations, draft.current);
  if (typeOf(action) === 'release' && token.force) {
    const forceAt = release.metadata.annotations?.['reconcile.fluxcd.io/forceAt'];
    if (forceAt) draft.set({ lastHandledForceAt: forceAt });
  }
  if (outcome.kind === 'unstored') {
    draft.condition({
      type: 'Reconciling',
      status: 'True',
      reason: 'ProgressingWithRetry',
      message: 'another attempt follows',
    });
    await draft.save();
    const strategy = activePlan(plan, attemptsOf(draft.current))?.strategy;
    if (strategy?.name === 'RetryOnFailure') return { requeueAfterMs: strategy.retryIntervalMs };
    throw new TransientError(outcome.message);
  }
  if (outcome.kind === 'superseded') {
    await summarizeAndSave(context);
    return { requeueAfterMs: 0 };
  }
  return typeOf(action) === 'remediate' ? conclude(context, later(context, action)) : undefined;
}

function later({ plan, draft }: ReleaseContext, last: ReleaseAction): Later {
  return afterPass(plan, attemptsOf(draft.current), last);
}

async function conclude(context: ReleaseContext, next: Later, inSync = false): Promise<ReconcileResult> {
  const { draft, plan } = context;
  const active = activePlan(plan, attemptsOf(draft.current));
  const ignoreTestFailures = active?.remediation.ignoreTestFailures ?? plan.test.ignoreFailures;
  const history = draft.current.history ?? [];
  const kept = truncateHistory(history, { inSync, ignoreTestFailures });
  if (kept.length !== history.length) draft.set({ history: kept });
  if (inSync) settle(context);
  else if (next.when === 'after' || next.when === 'now') {
    const reason = next.when === 'after' ? 'ProgressingWithRetry' : 'Progressing';
    draft.condition({ type: 'Reconciling', status: 'True', reason, message: 'another attempt follows' });
  }
  if (next.when === 'stalled') stall(context, next);
  await summarizeAndSave(context);
  switch (next.when) {
    case 'interval':
      return { requeueAfterMs: jittered(plan.intervalMs) };
    case 'now':
      return { requeueAfterMs: 0 };
    case 'after':
      return { requeueAfterMs: next.ms };
    case 'stalled':
      return {};
    default:
      return next satisfies never;
  }
}

function settle({ draft, desired, plan, ports }: ReleaseContext): void {
  const facts = {
    generation: draft.generation,
    message: `Helm upgrade succeeded for ${describeDesired(desired)}`,
    tested: plan.test.enabled,
    now: timestamp(ports),
  };
  draft.conditions(healConditions(draft.current.conditions ?? [], facts));
  draft.set({ observedGeneration: draft.generation });
  const active = activePlan(plan, attemptsOf(draft.current));
  if (active?.strategy.name === 'RetryOnFailure' && (draft.current.failures ?? 0) > 0)
    draft.current = resetFailures(draft.current);
}

function stall(
  { draft }: ReleaseContext,
  { reason, message }: { readonly reason: string; readonly message: string },
): void {
  const before = findCondition(draft.current.conditions, 'Stalled');
  const known = before?.status === 'True' && before.reason === reason && before.observedGeneration === draft.generation;
  draft.drop('Reconciling');
  if (!known) draft.condition({ type: 'Stalled', status: 'True', reason, message });
  const explained = ['Released', 'Remediated'].some(
    (type) => findCondition(draft.current.conditions, type)?.status === 'False',
  );
  const remediated = findCondition(draft.current.conditions, 'Remediated');
  if (!explained && !remediated) draft.condition({ type: 'Ready', status: 'False', reason, message });
  draft.set({ observedGeneration: draft.generation });
}

async function summarizeAndSave({ draft, plan, ports }: ReleaseContext): Promise<void> {
  const active = activePlan(plan, attemptsOf(draft.current));
  const ignored = active?.remediation.ignoreTestFailures ?? plan.test.ignoreFailures;
  const facts = { generation: draft.generation, testCounts: plan.test.enabled && !ignored, now: timestamp(ports) };
  draft.conditions(summarizeReady(draft.current.conditions ?? [], facts));
  await draft.save();
}
