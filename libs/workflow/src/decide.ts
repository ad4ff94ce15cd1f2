import type { Problem } from '@sluice/model';
import type { PodObservation } from './action.ts';
import { globalLayer } from './global-layer.ts';
import { postponedMessage } from './admission.ts';
import { closePass, labelsOf } from './close-pass.ts';
import type { Decision } from './decision.ts';
import { endOverdueNodes } from './deadline.ts';
import { execute } from './execute.ts';
import { finishWorkflow, runExit, runWorkflowHooks } from './exit.ts';
import { fillGlobals } from './globals.ts';
import { NodeTree } from './node-tree.ts';
import { RepositoryQuestion, type RepositoryAnswer } from './repository-question.ts';
import { countActive, formatTime, lookAgainAt, type Lookup, parseTime, type Pass } from './pass.ts';
import { observePods } from './pod-node.ts';
import { claimsOf } from './volume-claims.ts';
import { LockTable } from './locks.ts';
import { randomOf } from './random.ts';
import {
  releaseEndedNodes,
  type SemaphoreLimit,
  type SemaphoreReference,
  takeWorkflowLocks,
} from './synchronization.ts';
import { mergeSpec } from './spec-merge.ts';
import { contextOf } from './template-context.ts';
import { joinLayers, substitute } from './variables.ts';
import { validate } from './validate/validate.ts';
import {
  isFinished,
  isFulfilled,
  type Template,
  type Workflow,
  type WorkflowSpec,
  type WorkflowStatus,
} from './workflow-types.ts';

/** All that a decision is made from. `now` is in milliseconds. */
export type DecideInput = {
  readonly workflow: Workflow;
  readonly lookup: Lookup;
  /** Pods of this workflow, by node id. */
  readonly pods: ReadonlyMap<string, PodObservation>;
  readonly now: number;
  /** Defaults of the controller, under every workflow. */
  readonly defaults?: WorkflowSpec;
  /** The API refused one of the workflow's claims: for good, or only for now. */
  readonly claimRefusal?: { readonly message: string; readonly passing: boolean };
  /** Whether nodes can move artifacts; without it templates with artifacts are refused. */
  readonly artifacts?: boolean;
  /** Also tell of nodes that start and succeed, not only of those that fail. */
  readonly nodeEvents?: boolean;
  readonly restrictions?: 'Strict' | 'Secure';
  /** The last run of the same template or schedule that succeeded. */
  readonly estimate?: Workflow;
  /** As many workflows as may be are under way already. */
  readonly postponed?: boolean;
  /** Mutexes and semaphores of the controller; only read here. */
  readonly locks?: LockTable;
  /** The limit of a semaphore; undefined while it is not known. */
  /** The artifact repository of this workflow; absent while nobody has looked for it. */
  readonly artifactRepository?: RepositoryAnswer;
  /** The controller keeps the logs of all steps. */
  readonly archiveLogs?: boolean;
  readonly semaphoreLimit?: (reference: SemaphoreReference) => SemaphoreLimit | undefined;
};

const claimRetryMs = 10_000;
/** Decide the next status of a workflow and the actions that lead there. Pure: the same input decides the same. */
export function decide(input: DecideInput): Decision {
  const { workflow } = input;
  const before = workflow.status ?? {};
  if (isFinished(before.phase))
    return { status: before, changedNodes: [], actions: [], labels: labelsOf(before.phase ?? '') };
  const merged = mergeSpec(workflow, input.lookup, input.defaults, before, input.restrictions);
  if (!merged.ok) return refuse(input, merged.phase, merged.message);
  const spec = merged.spec;
  const isFresh = !before.phase || before.phase === 'Pending';
  const problems = !isFresh ? [] : validate(workflow, spec, { artifacts: input.artifacts === true });
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return refuse(input, 'Failed', `invalid spec: ${errors.map(describe).join('; ')}`);
  if (isFresh && input.postponed === true) return postpone(input, spec);
  if (spec.suspend === true && !before.phase) return { status: before, changedNodes: [], actions: [], labels: {} };
  const pass = openPass(input, spec, merged.stored ?? before, warningsOf(problems));
  if (input.claimRefusal) return refuseClaim(input, pass, merged.stored ?? before);
  return runPass(pass, merged.stored ?? before);
}

const maxWarnings = 1_024;

function warningsOf(problems: readonly Problem[]): string {
  const text = problems.map(({ path, message, fix }) => `${path}: ${message}${fix ? `; ${fix}` : ''}`).join('; ');
  return text.length > maxWarnings ? `${text.slice(0, maxWarnings - 1)}…` : text;
}

function describe(problem: Problem): string {
  // Paths of the spec itself are said by the messages; those of templates stand before them, as upstream has it.
  return problem.path === undefined || problem.path.startsWith('spec.')
    ? problem.message
    : `${problem.path} ${problem.message}`;
}

/** Too many workflows are under way: wait, unless somebody has ended it already. */
function postpone(input: DecideInput, spec: WorkflowSpec): Decision {
  if (spec.shutdown) return refuse(input, 'Failed', `Stopped with strategy '${spec.shutdown}'`);
  const status: WorkflowStatus = { ...input.workflow.status, phase: 'Pending', message: postponedMessage };
  return { status, changedNodes: [], actions: [], labels: labelsOf('Pending') };
}

function refuse(input: DecideInput, phase: 'Failed' | 'Error', message: string): Decision {
  const at = formatTime(input.now);
  const before = input.workflow.status ?? {};
  const status: WorkflowStatus = {
    ...before,
    phase,
    message,
    startedAt: before.startedAt ?? at,
    finishedAt: at,
    progress: before.progress ?? '0/0',
    conditions: [
      ...(before.conditions ?? []).filter(({ type }) => type !== 'Completed'),
      { type: 'Completed', status: 'True' },
    ],
  };
  return {
    status,
    changedNodes: [],
    actions: [{ kind: 'RecordEvent', type: 'Warning', reason: 'WorkflowFailed', message }],
    labels: labelsOf(phase),
  };
}

function openPass(input: DecideInput, spec: WorkflowSpec, before: WorkflowStatus, warnings: string): Pass {
  const { workflow, lookup, pods, now } = input;
  const { name } = workflow.metadata;
  const nodes = new NodeTree(name, before.nodes ?? {});
  const startedAt = parseTime(before.startedAt) ?? now;
  const deadlineAt =
    spec.activeDeadlineSeconds === undefined || spec.activeDeadlineSeconds === null
      ? undefined
      : startedAt + Number(spec.activeDeadlineSeconds) * 1_000;
  const repository = new RepositoryQuestion(input.artifactRepository, before.artifactRepositoryRef);
  const pass: Pass = {
    workflow,
    name,
    spec,
    before,
    nodes,
    pods,
    lookup,
    now,
    actions: [],
    host: { now, random: randomOf(`${workflow.metadata.uid ?? name}/${now}`) },
    globals: new Map(),
    storedTemplates: new Map(Object.entries<Template>(before.storedTemplates ?? {})),
    deadlineAt,
    shutdown: spec.shutdown,
    local: contextOf(`local/${name}`, spec),
    counts: { activePods: 0, activeByBoundary: new Map() },
    locks: {
      draft: (input.locks ?? new LockTable()).draft(`${workflow.metadata.namespace ?? ''}/${name}`),
      limitOf: (reference) => input.semaphoreLimit?.(reference),
      unknown: new Map(),
    },
    scheduling: new Map(),
    boundaryLimits: new Map(),
    outputs: before.outputs,
    artifactRepository: () => repository.ask(),
    archivesLogs: input.archiveLogs === true,
    repository,
    nextLookAt: undefined,
    warnings,
    estimate: input.estimate,
    nodeEvents: input.nodeEvents === true,
    execute: (request) => execute(pass, request),
  };
  for (const node of nodes.live()) if (!isFulfilled(node)) countActive(pass, node, 1);
  return pass;
}

/** Nothing runs without its volumes: wait while a quota is exhausted, give up when the claim itself is wrong. */
function refuseClaim(input: DecideInput, pass: Pass, before: WorkflowStatus): Decision {
  const { message = '', passing = false } = input.claimRefusal ?? {};
  if (!passing) return refuse(input, 'Error', message);
  lookAgainAt(pass, pass.now + claimRetryMs);
  return closePass(pass, before, 'Pending', `Waiting for a PVC to be created. ${message}`);
}

/** A workflow that waits for its own locks has not begun; it can be terminated. */
function holdWorkflow(
  pass: Pass,
  before: WorkflowStatus,
  held: NonNullable<ReturnType<typeof takeWorkflowLocks>>,
): Decision {
  if (held.kind === 'problem')
    return closePass(pass, before, 'Failed', `Failed to acquire the synchronization lock. ${held.message}`);
  if (pass.shutdown === 'Terminate') return closePass(pass, before, 'Failed', "Stopped with strategy 'Terminate'");
  return closePass(pass, before, 'Pending', held.message);
}

function runPass(pass: Pass, before: WorkflowStatus): Decision {
  const problem = fillGlobals(pass);
  if (problem !== undefined) return closePass(pass, before, 'Error', problem);
  const held = takeWorkflowLocks(pass);
  if (held) return holdWorkflow(pass, before, held);
  const claims = claimsOf(pass);
  if (!claims.ok) return closePass(pass, before, 'Error', claims.message);
  pass.actions.push(...claims.actions);
  observePods(pass);
  endOverdueNodes(pass);
  releaseEndedNodes(pass);
  if (pass.spec.suspend === true) return closePass(pass, before, 'Running');
  const given = substituted(pass);
  const { node, fault } = pass.execute({
    nodeName: pass.name,
    call: {
      ...(pass.spec.entrypoint ? { template: pass.spec.entrypoint } : {}),
      ...(given ? { arguments: given } : {}),
    },
    context: pass.local,
    onExit: false,
    depth: 0,
  });
  const root = pass.nodes.byName(pass.name);
  if (fault?.kind === 'error' && !root?.startedAt)
    return closePass(pass, before, 'Error', `error in entry template execution: ${fault.message}`);
  if (fault?.kind === 'error' && root && root.type === 'Skipped')
    return closePass(pass, before, 'Error', fault.message);
  if (!root || !node) return closePass(pass, before, 'Running');
  if (!runWorkflowHooks(pass, root)) return closePass(pass, before, 'Running');
  if (!isFulfilled(root)) return closePass(pass, before, 'Running');
  const exit = runExit(pass, root);
  if (!exit.done) return closePass(pass, before, 'Running');
  const end = finishWorkflow(pass, root, exit.node);
  return closePass(pass, before, end.phase, end.message);
}

/** Arguments of the entrypoint: the workflow's parameters with their values. */
function substituted(pass: Pass): WorkflowSpec['arguments'] {
  const given = pass.spec.arguments;
  if (!given) return undefined;
  const parameters = (given.parameters ?? []).map(({ name, value }) => {
    const known = pass.globals.get(`workflow.parameters.${name}`);
    return {
      name,
      ...(known === undefined || known === null ? (value === undefined ? {} : { value }) : { value: known }),
    };
  });
  const artifacts = given.artifacts
    ? substitute(given.artifacts, joinLayers(globalLayer(pass)), { keepUnresolved: true })
    : undefined;
  return { parameters, ...(artifacts?.ok ? { artifacts: artifacts.value } : {}) };
}
