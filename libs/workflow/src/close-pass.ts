import { globalLayer } from './global-layer.ts';
import { evaluateExpression, formatValue } from '@sluice/expr';
import type { JsonObject } from '@sluice/model';
import type { Action } from './action.ts';
import type { Decision } from './decision.ts';
import { cacheSaves } from './memoize.ts';
import { nodeEvents } from './node-events.ts';
import { formatTime, type Pass, secondsOf } from './pass.ts';
import { progressOf, updateProgress } from './progress.ts';
import { updateResources } from './resources-duration.ts';
import { releaseEndedNodes, synchronizationStatus } from './synchronization.ts';
import { joinLayers, substitute } from './variables.ts';
import { claimsOf } from './volume-claims.ts';
import {
  isFinished,
  type WorkflowCondition,
  type WorkflowPhase,
  type WorkflowSpec,
  type WorkflowStatus,
} from './workflow-types.ts';

const phaseLabel = 'workflows.argoproj.io/phase';
const completedLabel = 'workflows.argoproj.io/completed';

/** The end of a pass: what its nodes have come to as a status, with the actions that go with the phase. */
export function closePass(pass: Pass, before: WorkflowStatus, phase: WorkflowPhase, message?: string): Decision {
  const ended = isFinished(phase);
  if (ended) pass.locks.draft.releaseAll();
  else releaseEndedNodes(pass);
  pass.actions.push(...claimDeletions(pass, before, phase), ...budgetActions(pass, before, phase));
  if (before.phase !== 'Running' && phase === 'Running')
    pass.actions.unshift(eventOf('Normal', 'WorkflowRunning', 'Workflow Running'));
  pass.actions.push(...cacheSaves(pass), ...nodeEvents(pass));
  if (phase === 'Succeeded') pass.actions.push(eventOf('Normal', 'WorkflowSucceeded', 'Workflow completed'));
  else if (ended) pass.actions.push(eventOf('Warning', 'WorkflowFailed', message ?? ''));
  updateProgress(pass);
  const resources = updateResources(pass);
  return {
    status: {
      ...statusOf(pass, before, phase, message),
      ...(resources ? { resourcesDuration: resources } : {}),
      ...estimateOf(pass, before),
    },
    changedNodes: [...pass.nodes.changed.keys()],
    actions: pass.actions,
    spec: podFieldsFilled(pass),
    ...metadataOf(pass, phase),
    locks: pass.locks.draft.changes,
    ...(pass.repository.open ? { wantsRepository: (pass.spec['artifactRepositoryRef'] ?? {}) as JsonObject } : {}),
    ...(pass.locks.unknown.size === 0 ? {} : { unknownLimits: [...pass.locks.unknown.values()] }),
    ...(pass.nextLookAt === undefined || ended ? {} : { nextLookAt: pass.nextLookAt }),
  };
}

/** How long the run will take, if it takes as long as the one before. */
function estimateOf({ estimate }: Pass, before: WorkflowStatus): Pick<WorkflowStatus, 'estimatedDuration'> {
  const seconds = before.startedAt || !estimate ? undefined : secondsOf(estimate.status);
  return seconds === undefined ? {} : { estimatedDuration: seconds };
}

/** The disruption budget lives as long as the workflow runs. */
function budgetActions(pass: Pass, before: WorkflowStatus, phase: WorkflowPhase): readonly Action[] {
  const budget = pass.spec['podDisruptionBudget'] as JsonObject | undefined;
  if (!budget) return [];
  if (isFinished(phase)) return [{ kind: 'DeletePdb' }];
  return before.phase === 'Running' ? [] : [{ kind: 'CreatePdb', spec: budget }];
}

/** Claims go with a success, and with a failure where `volumeClaimGC` says so. */
function claimDeletions(pass: Pass, before: WorkflowStatus, phase: WorkflowPhase): readonly Action[] {
  const always = pass.spec.volumeClaimGC?.strategy === 'OnWorkflowCompletion';
  if (phase !== 'Succeeded' && !(always && isFinished(phase))) return [];
  const claims = before.persistentVolumeClaims ?? claimsOf(pass).claims;
  return claims.flatMap(({ claimName }) =>
    typeof claimName === 'string' ? [{ kind: 'DeletePvc' as const, name: claimName }] : [],
  );
}

function statusOf(
  pass: Pass,
  before: WorkflowStatus,
  phase: WorkflowPhase,
  message: string | undefined,
): WorkflowStatus {
  const ended = isFinished(phase);
  const at = formatTime(pass.now);
  const nodes = pass.nodes.toRecord();
  const claims = ended || phase === 'Pending' ? [] : claimsOf(pass).claims;
  const cleared = before.message ? { message: '' } : {};
  return {
    ...before,
    phase,
    ...(message === undefined ? cleared : { message }),
    ...(phase === 'Pending' && !before.startedAt ? {} : { startedAt: before.startedAt ?? at }),
    finishedAt: ended ? at : null,
    progress: progressOf(pass),
    nodes,
    ...(pass.outputs ? { outputs: pass.outputs } : {}),
    ...(pass.repository.stored ? { artifactRepositoryRef: pass.repository.stored } : {}),
    ...storedTemplatesOf(pass, before),
    ...(claims.length > 0 ? { persistentVolumeClaims: claims } : {}),
    conditions: conditionsOf(pass, before, ended),
    ...locksOf(pass, before),
  };
}

function locksOf(pass: Pass, before: WorkflowStatus): Pick<WorkflowStatus, 'synchronization'> {
  const synchronization = synchronizationStatus(pass);
  return synchronization || before.synchronization ? { synchronization } : {};
}

function storedTemplatesOf(pass: Pass, before: WorkflowStatus): Pick<WorkflowStatus, 'storedTemplates'> {
  const { storedTemplates: known = {} } = before;
  if (pass.storedTemplates.size === Object.keys(known).length) return {};
  return { storedTemplates: Object.fromEntries(pass.storedTemplates) };
}

/** The labels that follow from a phase. */
export function labelsOf(phase: WorkflowPhase): Readonly<Record<string, string>> {
  if (phase === '') return {};
  return { [phaseLabel]: phase, [completedLabel]: isFinished(phase) ? 'true' : 'false' };
}

/** Labels and annotations of the Workflow: phase, and on the first pass what its spec asks for. */
function metadataOf(pass: Pass, phase: WorkflowPhase): Pick<Decision, 'labels' | 'annotations'> {
  const isFresh = !pass.before.phase || pass.before.phase === 'Pending';
  const wanted = isFresh ? pass.spec.workflowMetadata : undefined;
  if (!wanted) return { labels: labelsOf(phase) };
  const computed: Record<string, string> = {};
  const environment = joinLayers(globalLayer(pass)).environment();
  for (const [name, { expression }] of Object.entries(wanted.labelsFrom ?? {})) {
    const result = evaluateExpression(expression, environment);
    if (result.ok) computed[name] = formatValue(result.value);
  }
  return {
    labels: { ...wanted.labels, ...computed, ...labelsOf(phase) },
    ...(wanted.annotations ? { annotations: wanted.annotations } : {}),
  };
}

const podFields = [
  'volumes',
  'nodeSelector',
  'tolerations',
  'affinity',
  'podMetadata',
  'serviceAccountName',
  'securityContext',
  'hostAliases',
  'priorityClassName',
  'schedulerName',
];

/** The spec with the tags replaced in what goes into pods. */
function podFieldsFilled(pass: Pass): WorkflowSpec {
  if (!pass.actions.some(({ kind }) => kind === 'CreatePod')) return pass.spec;
  const fields = Object.fromEntries(
    podFields.flatMap((field) => (pass.spec[field] === undefined ? [] : [[field, pass.spec[field]]])),
  );
  const filled = substitute(fields, joinLayers(globalLayer(pass)), { keepUnresolved: true });
  return filled.ok ? { ...pass.spec, ...filled.value } : pass.spec;
}

function eventOf(type: 'Normal' | 'Warning', reason: string, message: string): Action {
  return { kind: 'RecordEvent', type, reason, message };
}

function conditionsOf(pass: Pass, before: WorkflowStatus, ended: boolean): readonly WorkflowCondition[] {
  const running = pass.nodes.live().some((node) => node.type === 'Pod' && node.phase === 'Running');
  const wanted = [
    { type: 'PodRunning', status: running ? 'True' : 'False' },
    ...(ended ? [{ type: 'Completed', status: 'True' }] : []),
    ...(pass.warnings === '' ? [] : [{ type: 'SpecWarning', status: 'True', message: pass.warnings }]),
  ];
  const kept = (before.conditions ?? []).filter(({ type }) => !wanted.some((other) => other.type === type));
  const conditions = [...kept, ...wanted];
  return JSON.stringify(conditions) === JSON.stringify(before.conditions ?? [])
    ? (before.conditions ?? conditions)
    : conditions;
}
