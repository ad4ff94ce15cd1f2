import {
  type JsonObject,
  type KubeObject,
  type ObjectKey,
  type Resource,
  resources,
  TerminalError,
} from '@sluice/model';
import {
  addFinalizer,
  hasFinalizer,
  type Informer,
  isKubeError,
  type Reconcile,
  removeFinalizer,
  sameJson,
  withCondition,
} from '@sluice/reconcile';
import { accessToParent, readVerbs } from './access.ts';
import { type ControllerDefinition, type ControllerPorts, type ControllerSettings, settingsOf } from './controller.ts';
import { parseDurationMs } from './field.ts';
import { decidePlan, type PlanDecision, type PlanView, type PlanWorld } from './plan-decision.ts';
import { planReadiness } from './plan-readiness.ts';
import type { PlanStatus } from './plan-status.ts';
import { buildWorkflow, keyOfWorkflow, ownsWorkflow, planLabels, planOwner } from './plan-workflow.ts';
import { hashOf } from './stable-text.ts';

/** One step of a plan: an Argo Workflow that must succeed before the next phase begins. */
export type PlanPhase<Parent extends KubeObject> = {
  /** A DNS label of at most 18 characters, unique in its plan. */
  readonly name: string;
  /** Spec of the Workflow. Values of the object belong into `arguments.parameters`, never into scripts. */
  readonly workflow: (parent: Parent) => JsonObject;
};

export type Plan<Parent extends KubeObject> = {
  readonly phases: readonly PlanPhase<Parent>[];
  /** Fields of the spec whose change starts this plan, with dots: `replicas`, `storage.size`. They do not start `upgrade`. */
  readonly on?: readonly string[];
  /** Runs by itself this often once the object is installed: `24h`. */
  readonly every?: string | ((parent: Parent) => string | undefined);
};

export type PlanOptions<Parent extends KubeObject> = ControllerSettings & {
  /** A DNS label: it names the controller in labels of its Workflows too. */
  readonly name: string;
  readonly kind: Resource & { readonly object?: Parent };
  /**
   * `install` runs first. `upgrade` runs for each change of the spec; default: the phases of `install`. `delete` runs before the
   * object goes; a finalizer keeps it until they have succeeded. Further plans run as their `on` and `every` say.
   */
  readonly plans: {
    readonly install: Plan<Parent>;
    readonly upgrade?: Plan<Parent>;
    readonly delete?: Plan<Parent>;
    readonly [name: string]: Plan<Parent> | undefined;
  };
};

/** Annotation: run a plan by hand. Its name, and after a colon anything that tells this request from the one before: `backup:2`. */
export const runPlan = 'sluice.dev/run-plan';
/** Annotation: skip the `delete` plan of an object, for when it cannot succeed. Set it to `"true"`. */
export const skipDeletePlan = 'sluice.dev/skip-delete-plan';

type StoredWorkflow = KubeObject<unknown, { readonly phase?: string; readonly message?: string }>;

/**
 * A controller whose work is done by Workflows (KUDO's way): plans of phases that run when an object is installed, when its spec
 * changes, on a schedule, by hand, and before it goes. A run is numbered and stored before its first Workflow is made, and the
 * names of Workflows follow from the number: a phase runs once for a change, whatever is restarted in between.
 */
export function definePlan<Parent extends KubeObject<unknown, PlanStatus>>(
  options: PlanOptions<Parent>,
): ControllerDefinition {
  const { name, kind } = options;
  refuseBadNames(options);
  const labelSelector = `${planLabels.controller}=${name}`;
  return {
    name,
    settings: settingsOf(options),
    watches: [{ resource: kind }, { resource: resources.workflows, labelSelector, keysOf: planOwner }],
    access: [...accessToParent(kind), { resource: resources.workflows, verbs: [...readVerbs, 'create', 'patch'] }],
    start: (ports) => planReconciler(options, ports),
  };
}

function refuseBadNames<Parent extends KubeObject>({ name, plans }: PlanOptions<Parent>): void {
  const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
  const short = (text: string, limit: number): boolean => text.length <= limit && label.test(text);
  const problems = [
    short(name, 63) ? [] : [`${JSON.stringify(name)} must be a DNS label`],
    ...Object.entries(plans).map(([plan, definition]) => {
      const phases = definition?.phases.map((phase) => phase.name) ?? [];
      const bad = phases.filter((phase) => !short(phase, 18));
      return [
        ...(short(plan, 18) ? [] : [`plan ${JSON.stringify(plan)} must be a DNS label of at most 18 characters`]),
        ...bad.map((phase) => `phase ${JSON.stringify(phase)} of ${plan} must be a DNS label of at most 18 characters`),
        ...(new Set(phases).size < phases.length ? [`plan ${plan} has two phases of one name`] : []),
        ...(plan !== 'install' && plan !== 'delete'
          ? []
          : definition?.on || definition?.every
            ? [`plan ${plan} has its own moment: no "on" or "every"`]
            : []),
      ];
    }),
  ].flat();
  if (problems.length > 0) throw new TypeError(`definePlan ${name}: ${problems.join('; ')}`);
}

function planReconciler<Parent extends KubeObject<unknown, PlanStatus>>(
  options: PlanOptions<Parent>,
  ports: ControllerPorts,
): Reconcile {
  const { kube, now } = ports;
  const { kind, name } = options;
  const finalizer = `${kind.group}/${name}`;
  const parents = ports.cache<Parent>(kind);
  const workflows = ports.cache<StoredWorkflow>(resources.workflows);

  return async (key, signal) => {
    const cached = parents.get(key);
    if (!cached) return {};
    const deleting = cached.metadata.deletionTimestamp !== undefined;
    if (deleting && !hasFinalizer(cached, finalizer)) return {};
    const wantsFinalizer = !deleting && options.plans.delete?.phases.length;
    const parent = wantsFinalizer ? await addFinalizer(kube, kind, cached, finalizer) : cached;
    const status: PlanStatus = parent.status ?? {};
    const decision = decidePlan(status, worldOf(options, parent, { workflows, nowMs: now() }));
    await storeStatus({ ports, kind, name, signal }, parent, decision);
    await perform(options, ports, { parent, decision, signal });
    tellOfEnd(ports, parent, status, decision.status);
    if (deleting && decision.release) await removeFinalizer(kube, kind, parent, finalizer);
    return decision.requeueAfterMs === undefined ? {} : { requeueAfterMs: decision.requeueAfterMs };
  };
}

type Look = { readonly workflows: Informer<StoredWorkflow>; readonly nowMs: number };

function worldOf<Parent extends KubeObject<unknown, PlanStatus>>(
  options: PlanOptions<Parent>,
  parent: Parent,
  { workflows, nowMs }: Look,
): PlanWorld {
  const { run } = parent.status ?? {};
  const key = run?.phase === undefined ? undefined : keyOfWorkflow(parent, run, run.phase);
  const stored = key && workflows.get(key);
  const trigger = parent.metadata.annotations?.[runPlan];
  return {
    plans: viewsOf(options, parent),
    deleting: parent.metadata.deletionTimestamp !== undefined,
    createdMs: Date.parse(parent.metadata.creationTimestamp ?? ''),
    nowMs,
    ...(trigger !== undefined && { trigger }),
    workflow: stored && ownsWorkflow(parent, stored) ? phaseOf(stored) : undefined,
  };
}

/** The plans of an object: what each is for, as a hash. What no other plan claims is for `upgrade`. */
function viewsOf<Parent extends KubeObject>(
  { plans }: PlanOptions<Parent>,
  parent: Parent,
): Readonly<Record<string, PlanView>> {
  const { install, upgrade = install, delete: last, ...others } = plans;
  const claimed = Object.values(others).flatMap((plan) => plan?.on ?? []);
  const rest = claimed.reduce<unknown>((spec, path) => without(spec, path.split('.')), parent.spec ?? {});
  const view = ({ phases, on, every }: Plan<Parent>): PlanView => {
    const text = typeof every === 'function' ? every(parent) : every;
    return {
      phases: phases.map((phase) => phase.name),
      ...(on && { wish: hashOf(on.map((path) => valueAt(parent.spec, path.split('.')) ?? null)) }),
      ...(text !== undefined && { everyMs: Math.max(1_000, parseDurationMs(text)) }),
    };
  };
  const skipped = parent.metadata.annotations?.[skipDeletePlan] === 'true';
  return {
    install: view(install),
    upgrade: { ...view(upgrade), wish: hashOf(rest) },
    ...Object.fromEntries(Object.entries(others).flatMap(([name, plan]) => (plan ? [[name, view(plan)]] : []))),
    ...(last && !skipped && { delete: view(last) }),
  };
}

function valueAt(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value;
  return typeof value === 'object' && value !== null ? valueAt((value as JsonObject)[name], rest) : undefined;
}

function without(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { [name]: inner, ...others } = value as JsonObject;
  return rest.length === 0 || inner === undefined ? others : { ...others, [name]: without(inner, rest) };
}

function phaseOf({ status }: StoredWorkflow): 'Running' | 'Succeeded' | 'Failed' {
  const phase = status?.phase;
  if (phase === 'Succeeded') return 'Succeeded';
  return phase === 'Failed' || phase === 'Error' ? 'Failed' : 'Running';
}

type Writer = {
  readonly ports: ControllerPorts;
  readonly kind: Resource;
  readonly name: string;
  readonly signal: AbortSignal;
};

/** Refused as a conflict when the object was read from a cache that is behind: the pass ends before it does anything. */
async function storeStatus(
  { ports: { kube, now }, kind, name, signal }: Writer,
  parent: KubeObject<unknown, PlanStatus>,
  { status }: PlanDecision,
): Promise<void> {
  const change = { type: 'Ready', ...planReadiness(status, parent) };
  const full = withCondition(parent, status, change, now());
  if (sameJson(parent.status ?? {}, full)) return;
  const { apiVersion, kind: kindName, metadata } = parent;
  const { name: objectName, namespace, uid, resourceVersion } = metadata;
  const identity = { name: objectName, ...(namespace && { namespace }), ...(uid && { uid }) };
  const guarded = { ...identity, ...(resourceVersion && { resourceVersion }) };
  const object = { apiVersion, kind: kindName, metadata: guarded, status: full };
  await kube.apply(kind, object, { fieldManager: name, subresource: 'status', signal });
}

type Step<Parent> = { readonly parent: Parent; readonly decision: PlanDecision; readonly signal: AbortSignal };

async function perform<Parent extends KubeObject>(
  options: PlanOptions<Parent>,
  { kube, events }: ControllerPorts,
  { parent, decision, signal }: Step<Parent>,
): Promise<void> {
  const { run } = decision.status;
  if (!run) return;
  if (decision.stop) {
    const key = keyOfWorkflow(parent, run, decision.stop);
    const body = { spec: { shutdown: 'Terminate' } };
    await kube.patch(resources.workflows, key, { type: 'merge', body }, { signal });
  }
  const { install } = options.plans;
  const plan = run.plan === 'upgrade' ? (options.plans.upgrade ?? install) : options.plans[run.plan];
  const phase = plan?.phases.find(({ name }) => name === decision.start);
  if (!phase) return;
  const workflow = buildWorkflow({
    controller: options.name,
    parent,
    run,
    phase: phase.name,
    spec: phase.workflow(parent),
  });
  try {
    await kube.create(resources.workflows, workflow, { signal });
    events.event(parent, 'Normal', 'PlanPhaseStarted', `plan ${run.plan}: phase ${phase.name} started`);
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
    await refuseForeign(kube, parent, workflow, signal);
  }
}

/** A Workflow of this name is there: made by an earlier pass that the cache does not show yet, or else by somebody else. */
async function refuseForeign(
  kube: ControllerPorts['kube'],
  parent: KubeObject,
  { metadata: { namespace, name } }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const key: ObjectKey = namespace ? { namespace, name } : { name };
  const stored = await kube.get<StoredWorkflow>(resources.workflows, key, signal);
  if (!stored || ownsWorkflow(parent, stored)) return;
  throw new TerminalError('WorkflowExists', `Workflow ${name} exists and belongs to somebody else; delete it`);
}

function tellOfEnd({ events }: ControllerPorts, parent: KubeObject, before: PlanStatus, after: PlanStatus): void {
  for (const [plan, { state, number, phase }] of Object.entries(after.plans ?? {})) {
    const last = before.plans?.[plan];
    if (state === 'Running' || (last?.number === number && last.state === state)) continue;
    const failed = state === 'Failed';
    const text = failed ? `plan ${plan}: phase ${phase} failed` : `plan ${plan}: ${state.toLowerCase()}`;
    events.event(parent, failed ? 'Warning' : 'Normal', `Plan${state}`, text);
  }
}
