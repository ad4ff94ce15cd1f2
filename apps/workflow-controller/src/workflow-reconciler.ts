import { formatProblems, type JsonObject, type KubeObject, type ObjectKey } from '@sluice/model';
import { buildPod, observePod, type ObservedPod } from '@sluice/pod';
import { type LabelSelector, matchesLabelSelector, type ReconcileResult } from '@sluice/reconcile';
import {
  type Action,
  type AdmissionQueue,
  artifactGcFinalizer,
  collectablePods,
  decide,
  type DecideInput,
  type Decision,
  expiresAt,
  formatTime,
  isFinished,
  isFulfilled,
  LockTable,
  type PodObservation,
  podExpiresAt,
  podNameOf,
  retriesAnnotation,
  retryNumberOf,
  type SemaphoreLimit,
  type SemaphoreReference,
  usesArtifactGc,
  type Workflow,
  type WorkflowSpec,
} from '@sluice/workflow';
import { buildBudget, buildClaim, claimNames } from './owned-objects.ts';
import { collectArtifacts } from './artifact-gc.ts';
import { mapConcurrently } from './map-concurrently.ts';
import { RefusedError, type WorkflowPorts } from './ports.ts';
import { freshest, RunMemories, type RunMemory, unseenPods } from './run-memory.ts';
import { buildStatusPatch } from './status-patch.ts';

export type ReconcilerOptions = {
  /** Least time between two status writes of one run, unless its phase changes. */
  readonly coalesceMs: number;
  readonly workflowDefaults?: WorkflowSpec;
  readonly templateReferencing?: 'Strict' | 'Secure';
  /** The nodes of the cluster move artifacts. Default: those that capture outputs do. */
  readonly artifacts?: boolean;
  /** Send an event for every node that starts or succeeds, not only for failures. */
  readonly nodeEvents?: boolean;
};

const nodeIdAnnotation = 'workflows.argoproj.io/node-id';
const createAtOnce = 16;
const observations = new WeakMap<KubeObject, PodObservation>();

/** The reconciler of Workflows: read, decide, act, write what was decided. */
export function workflowReconciler(
  ports: WorkflowPorts,
  options: ReconcilerOptions,
  memories = new RunMemories(),
  locks = new LockTable(),
  admission?: AdmissionQueue,
) {
  return async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const cached = await ports.getWorkflow(key);
    if (!cached) {
      leave({ ports, locks, admission }, key);
      return {};
    }
    const memory = memories.of(cached.metadata.uid ?? '');
    const workflow = freshest(memory, cached);
    if (workflow.metadata.deletionTimestamp || isSettled(workflow)) {
      leave({ ports, locks, admission }, key);
      memories.forget(workflow.metadata.uid ?? '');
      const collecting = await collectArtifacts(ports, workflow, signal);
      if (collecting) return collecting;
      return workflow.metadata.deletionTimestamp ? {} : retain(ports, workflow, signal);
    }
    const turn: Turn = { ports, options, workflow, memory, locks, admission, signal };
    const decision = await decideAndAct(turn);
    remember(turn, decision);
    const result = await writeStatus(turn, decision);
    if (isFinished(decision.status.phase)) leave(turn, key);
    return result;
  };
}

/** One look at one workflow. */
type Turn = {
  readonly ports: WorkflowPorts;
  readonly options: ReconcilerOptions;
  readonly workflow: Workflow;
  readonly memory: RunMemory;
  readonly locks: LockTable;
  readonly admission: AdmissionQueue | undefined;
  readonly signal: AbortSignal;
};

/** A workflow that is over or gone makes room for others. */
function leave({ ports, locks, admission }: Pick<Turn, 'ports' | 'locks' | 'admission'>, key: ObjectKey): void {
  const { namespace = '', name } = key;
  wakeAll(ports, locks.release(`${namespace}/${name}`));
  if (admission) wakeAll(ports, admission.release(namespace, name));
}

/** Whether a workflow must wait for others to end before it begins. */
function isPostponed({ ports, admission, workflow }: Turn): boolean {
  if (!admission) return false;
  const { admitted, wake } = admission.admit(workflow);
  wakeAll(ports, wake);
  return !admitted;
}

function remember({ workflow, memory }: Turn, decision: Decision): void {
  memory.latest = { ...workflow, status: decision.status };
  for (const id of decision.changedNodes) memory.unsaved.add(id);
}

function wakeAll(ports: WorkflowPorts, workflows: readonly string[]): void {
  for (const workflow of workflows) {
    const slash = workflow.indexOf('/');
    ports.wake({ namespace: workflow.slice(0, slash), name: workflow.slice(slash + 1) });
  }
}

function isSettled({ status, metadata }: Workflow): boolean {
  return isFinished(status?.phase) && metadata.labels?.['workflows.argoproj.io/completed'] === 'true';
}

/** A finished run: let go of its pods, and of itself once its time has come. */
async function retain(ports: WorkflowPorts, workflow: Workflow, signal: AbortSignal): Promise<ReconcileResult> {
  const spec = { ...workflow.status?.storedWorkflowTemplateSpec, ...workflow.spec };
  const podsAt = spec['podGC'] === undefined ? undefined : await collectPods(ports, workflow, spec, signal);
  const at = expiresAt(workflow);
  const nextAt = Math.min(at ?? Infinity, podsAt ?? Infinity);
  if (nextAt === Infinity) return {};
  const leftMs = nextAt - ports.now();
  if (leftMs > 0 || at === undefined || at > ports.now()) return { requeueAfterMs: Math.max(0, leftMs) };
  await ports.deleteWorkflow(workflow, signal);
  return {};
}

/** Delete the pods that `podGC` lets go now. Gives the time when the next of them may go. */
async function collectPods(
  ports: WorkflowPorts,
  stored: Workflow,
  spec: WorkflowSpec,
  signal: AbortSignal,
): Promise<number | undefined> {
  const namespace = stored.metadata.namespace ?? '';
  const { labelSelector } = spec['podGC'] as { readonly labelSelector?: LabelSelector };
  const seen = new Map<string, PodObservation>();
  for (const pod of await ports.podsOf(stored)) {
    const id = pod.metadata.annotations?.[nodeIdAnnotation];
    const chosen = !labelSelector || matchesLabelSelector(labelSelector, pod.metadata.labels);
    if (id && chosen) seen.set(id, observationOf(pod));
  }
  const ends = collectablePods(stored, spec, seen).map((node) => ({ node, at: podExpiresAt(node, spec) }));
  const due = ends.filter(({ at }) => at <= ports.now());
  await mapConcurrently(due, createAtOnce, async ({ node }) => {
    const name = podNameOf(stored.metadata.name, node.name, node.templateRef?.template ?? node.templateName ?? '');
    await ports.deletePod({ namespace, name }, signal);
  });
  const later = ends.filter(({ at }) => at > ports.now()).map(({ at }) => at);
  return later.length === 0 ? undefined : Math.min(...later);
}

async function decideAndAct(turn: Turn): Promise<Decision> {
  const { ports, options, workflow, memory, signal } = turn;
  const pods = await removeOldPods(turn, await ports.podsOf(workflow));
  const seen = new Map<string, PodObservation>();
  for (const pod of pods) {
    const id = pod.metadata.annotations?.[nodeIdAnnotation];
    if (id) seen.set(id, observationOf(pod));
  }
  const unseen = new Set(unseenPods(memory, pods, ports.now()));
  const lookup = await ports.lookup(workflow.metadata.namespace ?? '');
  const input: DecideInput = {
    workflow,
    lookup,
    pods: seen,
    now: ports.now(),
    ...(options.workflowDefaults ? { defaults: options.workflowDefaults } : {}),
    ...(options.templateReferencing ? { restrictions: options.templateReferencing } : {}),
    artifacts: options.artifacts ?? ports.outputs() === 'native',
    nodeEvents: options.nodeEvents === true,
    postponed: isPostponed(turn),
    locks: turn.locks,
  };
  const decision = await decideKnowing(turn, input);
  const claimRefusal = await createClaims(ports, workflow, decision, signal);
  if (claimRefusal) return commitLocks(turn, decide({ ...input, claimRefusal }));
  await recordLocks(turn, decision);
  const refused = await perform(turn, decision, unseen);
  if (refused.size === 0) {
    if (decision.spec?.['podGC'] === undefined || !memory.stored) return decision;
    const podsAt = await collectPods(ports, memory.stored, decision.spec, signal);
    return podsAt === undefined
      ? decision
      : { ...decision, nextLookAt: Math.min(podsAt, decision.nextLookAt ?? podsAt) };
  }
  // What the API refused is as if the pod had failed at once; whatever follows from it is decided now.
  const again = commitLocks(turn, decide({ ...input, pods: new Map([...seen, ...refused]) }));
  await perform(turn, again, unseen, refused);
  return again;
}

/** Pods of before a manual retry do not count, and make room for those that take their names. */
async function removeOldPods(
  { ports, workflow, signal }: Turn,
  pods: readonly KubeObject[],
): Promise<readonly KubeObject[]> {
  const retry = retryNumberOf(workflow);
  if (retry === 0) return pods;
  const nodes = workflow.status?.nodes ?? {};
  const isOld = ({ metadata: { annotations = {} } }: KubeObject): boolean =>
    Number(annotations[retriesAnnotation] ?? 0) !== retry && !isFulfilled(nodes[annotations[nodeIdAnnotation] ?? '']);
  const old = pods.filter(isOld);
  await mapConcurrently(old, createAtOnce, async ({ metadata: { name, namespace = '' } }) =>
    ports.deletePod({ namespace, name }, signal),
  );
  return old.length === 0 ? pods : pods.filter((pod) => !isOld(pod));
}

function observationOf(pod: KubeObject): PodObservation {
  const known = observations.get(pod);
  if (known) return known;
  const made: PodObservation = observePod(pod as unknown as ObservedPod);
  observations.set(pod, made);
  return made;
}

type Refused = Map<string, PodObservation>;

/** Act in order: pods, deletions; events last. Pods that the API refuses come back; everything else throws. */
async function perform(
  turn: Turn,
  decision: Decision,
  unseen: ReadonlySet<string>,
  done: ReadonlyMap<string, unknown> = new Map(),
): Promise<Refused> {
  const { ports, workflow, memory, signal } = turn;
  const refused: Refused = new Map();
  const namespace = workflow.metadata.namespace ?? '';
  const again = done.size > 0;
  const creates = decision.actions
    .filter((action) => action.kind === 'CreatePod')
    .filter(({ podName, nodeId }) => !unseen.has(podName) && !memory.created.has(podName) && !done.has(nodeId));
  await mapConcurrently(creates, createAtOnce, async (action) => {
    const outcome = await createPod(ports, workflow, decision, action, signal);
    if (outcome) refused.set(action.nodeId, outcome);
    else memory.created.set(action.podName, ports.now());
  });
  if (refused.size > 0 && !again) return refused;
  for (const action of decision.actions) {
    if (action.kind === 'DeletePod') await ports.deletePod({ namespace, name: action.podName }, signal);
    if (action.kind === 'CreatePdb') await ports.createBudget(buildBudget(workflow, action.spec), signal);
    if (action.kind === 'DeletePdb') await ports.deleteBudget({ namespace, name: workflow.metadata.name }, signal);
    if (action.kind === 'SaveCache')
      await ports.saveCache({ namespace, name: action.cacheName }, action.key, action.entry, signal);
    if (action.kind === 'DeletePvc') await ports.deleteClaim({ namespace, name: action.name }, signal);
    if (action.kind === 'RecordEvent') ports.recordEvent(workflow, action.type, action.reason, action.message);
  }
  return refused;
}

const maxLimitRounds = 8;

/** Decide, reading what turns out to be needed: limits of semaphores, the artifact repository. */
async function decideKnowing(turn: Turn, input: DecideInput): Promise<Decision> {
  const { ports, workflow, signal } = turn;
  const limits = new Map<string, SemaphoreLimit>();
  const nameOf = ({ namespace, name, key }: SemaphoreReference): string => JSON.stringify([namespace, name, key]);
  let known = input;
  for (let round = 0; ; round++) {
    const asked = { ...known, semaphoreLimit: (reference: SemaphoreReference) => limits.get(nameOf(reference)) };
    const decision = decideSafely(asked, ports, workflow);
    const { unknownLimits, wantsRepository } = decision;
    if ((!unknownLimits && !wantsRepository) || round === maxLimitRounds) return commitLocks(turn, decision);
    if (wantsRepository) {
      const namespace = workflow.metadata.namespace ?? '';
      known = { ...known, artifactRepository: await ports.artifactRepository(namespace, wantsRepository, signal) };
    }
    for (const reference of unknownLimits ?? [])
      limits.set(nameOf(reference), await ports.semaphoreLimit(reference, signal));
  }
}

/** Make what a decision did to the locks so, at once: the next workflow decides upon it. */
function commitLocks({ ports, locks }: Turn, decision: Decision): Decision {
  if (decision.locks) wakeAll(ports, locks.commit(decision.locks));
  return decision;
}

/** Who holds a lock must be known after a crash: it is written before anything is started under it. */
async function recordLocks(turn: Turn, decision: Decision): Promise<void> {
  const stored = (turn.memory.stored ?? turn.workflow).status?.synchronization;
  const starts = decision.actions.some(({ kind }) => kind === 'CreatePod');
  const held = decision.status.synchronization;
  if (!starts || held === undefined || JSON.stringify(held) === JSON.stringify(stored)) return;
  remember(turn, decision);
  await writeStatus(turn, decision, true);
}

/** A workflow that breaks the engine ends with a message and holds nobody else up. */
function decideSafely(input: DecideInput, ports: WorkflowPorts, workflow: Workflow): Decision {
  try {
    return decide(input);
  } catch (error) {
    const message = `internal error: ${error instanceof Error ? error.message : String(error)}`.slice(0, 1_024);
    ports.recordEvent(workflow, 'Warning', 'WorkflowFailed', message);
    const status = { ...workflow.status, phase: 'Error', message, finishedAt: formatTime(input.now) } as const;
    const labels = { 'workflows.argoproj.io/phase': 'Error', 'workflows.argoproj.io/completed': 'true' };
    return { status, changedNodes: [], actions: [], labels };
  }
}

/** Claims come before everything else. A refusal is returned, so that it can be decided upon. */
async function createClaims(
  ports: WorkflowPorts,
  workflow: Workflow,
  decision: Decision,
  signal: AbortSignal,
): Promise<DecideInput['claimRefusal']> {
  for (const action of decision.actions) {
    if (action.kind !== 'CreatePvc') continue;
    try {
      await ports.createClaim(buildClaim(workflow, action), signal);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return { message: error.message, passing: error.passing };
    }
  }
  return undefined;
}

async function createPod(
  ports: WorkflowPorts,
  workflow: Workflow,
  decision: Decision,
  action: Extract<Action, { kind: 'CreatePod' }>,
  signal: AbortSignal,
): Promise<PodObservation | undefined> {
  const { name, namespace = '', uid = '' } = workflow.metadata;
  const built = buildPod({
    workflow: { name, namespace, uid },
    spec: decision.spec ?? workflow.spec ?? {},
    node: { id: action.nodeId, name: action.nodeName, podName: action.podName },
    template: action.template,
    captureResult: action.captureResult,
    now: ports.now(),
    retryNumber: retryNumberOf(workflow),
    outputs: ports.outputs(),
    ...(action.deadlineAt === undefined ? {} : { deadlineAt: action.deadlineAt }),
    ...(action.avoidHosts ? { avoidHosts: action.avoidHosts } : {}),
    ...(action.podSpecPatches ? { podSpecPatches: action.podSpecPatches } : {}),
    parseYaml: (text) => ports.parseYaml(text),
    ...(action.podMetadata ? { podMetadata: action.podMetadata } : {}),
    ...(action.scheduling ? { scheduling: action.scheduling } : {}),
    claims: claimNames(decision),
    ...(action.artifacts ? { artifacts: action.artifacts } : {}),
    ...(action.task ? { task: action.task } : {}),
  });
  if (!built.ok) return { phase: 'Error', message: formatProblems(built.problems) };
  try {
    await ports.createPod(built.value, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { phase: error.passing ? 'Pending' : 'Error', message: error.message };
  }
}

/** Write what differs, unless the last write was just now and nothing that others wait for has changed. */
async function writeStatus(
  { ports, options, workflow, memory, signal }: Turn,
  decision: Decision,
  atOnce = false,
): Promise<ReconcileResult> {
  const stored = memory.stored ?? workflow;
  const patch = withFinalizer(stored, decision, buildStatusPatch(stored, decision, memory.unsaved));
  const now = ports.now();
  const requeue = decision.nextLookAt === undefined ? undefined : Math.max(0, decision.nextLookAt - now);
  if (!patch) return settle(requeue);
  const size = Object.keys(decision.status.nodes ?? {}).length;
  const dueMs = memory.lastWriteAt + Math.min(2_000, options.coalesceMs + (options.coalesceMs > 0 ? size : 0)) - now;
  if (!atOnce && dueMs > 0 && decision.status.phase === stored.status?.phase)
    return settle(Math.min(dueMs, requeue ?? dueMs));
  const key = { namespace: workflow.metadata.namespace ?? '', name: workflow.metadata.name };
  memory.stored = await ports.patchWorkflow(key, patch, signal);
  memory.lastWriteAt = ports.now();
  memory.unsaved.clear();
  return settle(requeue);
}

/** A workflow whose artifacts are to be deleted must not go before them: it says so with its first write. */
function withFinalizer(stored: Workflow, decision: Decision, patch: JsonObject | undefined): JsonObject | undefined {
  const { finalizers = [] } = stored.metadata;
  if (!patch || !decision.spec || finalizers.includes(artifactGcFinalizer)) return patch;
  if (!usesArtifactGc(decision.spec, decision.status)) return patch;
  const metadata = (patch['metadata'] ?? {}) as JsonObject;
  return { ...patch, metadata: { ...metadata, finalizers: [...finalizers, artifactGcFinalizer] } };
}

function settle(requeueAfterMs: number | undefined): ReconcileResult {
  return requeueAfterMs === undefined ? {} : { requeueAfterMs };
}
