import { createHash } from 'node:crypto';
import { type JsonObject, type KubeObject, type ObjectKey, type Resource, resources } from '@sluice/model';
import type { Reconcile } from './controller.ts';
import { stableText } from './composite.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
import { isKubeError } from './kube-api.ts';
import { isControlledBy, ownerReferenceTo } from './owners.ts';
import { decidePlan, type PlanDecision, type PlanStatus, type PlanTrigger } from './plan-decision.ts';
import type { OperatorController, OperatorPorts } from './start-operator.ts';
import { applyStatus, withCondition } from './status.ts';

export type { PlanStatus, PlanTrigger };

/** One step of a plan: an Argo Workflow that must succeed before the next phase begins. */
export type PlanPhase<Parent extends KubeObject> = {
  /** A DNS label, unique in its plan. */
  readonly name: string;
  /** Spec of the Workflow. Values of the object belong into `arguments.parameters`, never into scripts. */
  readonly workflow: (parent: Parent) => JsonObject;
};

export type PlanOptions<Parent extends KubeObject> = {
  readonly name: string;
  readonly parent: Resource;
  readonly install: readonly PlanPhase<Parent>[];
  /** Run when the spec has changed. Default: the phases of `install`. */
  readonly upgrade?: readonly PlanPhase<Parent>[];
  /** Run before the object goes; a finalizer keeps it until they have succeeded. */
  readonly delete?: readonly PlanPhase<Parent>[];
  readonly schedule?: { readonly everyMs: number; readonly phases: readonly PlanPhase<Parent>[] };
};

/** Skips the `delete` plan of an object, for when it cannot succeed: set it to `"true"` (annotation). */
export const skipDeletePlan = 'sluice.dev/skip-delete-plan';

const finalizer = 'sluice.dev/plan';

/**
 * A controller whose work is done by Workflows (KUDO's way): the phases of a plan run one after the other when an object is
 * installed, upgraded, deleted, and on a schedule. Names of Workflows follow from the object and the run, so a phase never
 * runs twice for one cause. A failed plan is told in `Ready` and tried again when the spec changes.
 */
export function plan<Parent extends KubeObject<unknown, PlanStatus>>(options: PlanOptions<Parent>): OperatorController {
  const { name, parent } = options;
  const keysOf = (workflow: KubeObject): readonly ObjectKey[] => {
    const owner = workflow.metadata.annotations?.[ownerAnnotation(options)];
    const { namespace } = workflow.metadata;
    return owner === undefined ? [] : [namespace ? { namespace, name: owner } : { name: owner }];
  };
  return {
    name,
    watches: [{ resource: parent }, { resource: resources.workflows, keysOf }],
    reconcile: (ports) => planReconciler(options, ports),
  };
}

function planReconciler<Parent extends KubeObject<unknown, PlanStatus>>(
  options: PlanOptions<Parent>,
  ports: OperatorPorts,
): Reconcile {
  const { kube, informers, now } = ports;
  const parents = informers.informer<Parent>(options.parent);
  const workflows = informers.informer<KubeObject<unknown, { readonly phase?: string }>>(resources.workflows);

  return async (key, signal) => {
    let parent = parents.get(key);
    if (!parent) return {};
    const deleting = parent.metadata.deletionTimestamp !== undefined;
    if (deleting && !hasFinalizer(parent, finalizer)) return {};
    if (!deleting && options.delete?.length) parent = await addFinalizer(kube, options.parent, parent, finalizer);
    const status: PlanStatus = parent.status ?? {};
    const current = status.run && status.phase ? workflowName(parent, status.run, status.phase) : undefined;
    const stored = current === undefined ? undefined : workflows.get(inNamespaceOf(parent, current));
    const decision = decidePlan(status, {
      specHash: hashOf(parent.spec),
      generation: parent.metadata.generation ?? 0,
      deleting,
      phases: phaseNames(options, parent),
      ...(options.schedule && { everyMs: options.schedule.everyMs }),
      createdMs: Date.parse(parent.metadata.creationTimestamp ?? ''),
      nowMs: now(),
      workflow: stored && belongsTo(options, stored, parent) ? phaseOf(stored) : undefined,
    });
    await perform(options, ports, { parent, decision, signal });
    const full = withCondition(parent, decision.status, readiness(decision.status), now());
    await applyStatus(kube, options.parent, parent, full, { fieldManager: options.name, signal });
    if (deleting && decision.release) await removeFinalizer(kube, options.parent, parent, finalizer);
    return decision.requeueAfterMs === undefined ? {} : { requeueAfterMs: decision.requeueAfterMs };
  };
}

type Step<Parent> = { readonly parent: Parent; readonly decision: PlanDecision; readonly signal: AbortSignal };

async function perform<Parent extends KubeObject>(
  options: PlanOptions<Parent>,
  { kube, events }: OperatorPorts,
  { parent, decision, signal }: Step<Parent>,
): Promise<void> {
  const { run, plan: trigger } = decision.status;
  if (!run || !trigger) return;
  if (decision.stop) {
    const key = inNamespaceOf(parent, workflowName(parent, run, decision.stop));
    const body = { spec: { shutdown: 'Terminate' } };
    await kube.patch(resources.workflows, key, { type: 'merge', body }, { signal });
  }
  const phase = phasesOf(options, trigger).find(({ name }) => name === decision.start);
  if (!phase) return;
  try {
    await kube.create(resources.workflows, buildWorkflow(options, parent, { run, trigger, phase }), { signal });
    events.event(parent, 'Normal', 'PlanPhaseStarted', `plan ${trigger}: phase ${phase.name} started`);
  } catch (error) {
    // Made by an earlier pass whose echo the cache does not show yet.
    if (!isKubeError(error, 'AlreadyExists')) throw error;
  }
}

type Run<Parent extends KubeObject> = {
  readonly run: string;
  readonly trigger: PlanTrigger;
  readonly phase: PlanPhase<Parent>;
};

function buildWorkflow<Parent extends KubeObject>(
  options: PlanOptions<Parent>,
  parent: Parent,
  { run, trigger, phase }: Run<Parent>,
): KubeObject {
  const key = inNamespaceOf(parent, workflowName(parent, run, phase.name));
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: {
      ...key,
      labels: { 'sluice.dev/plan': trigger, 'sluice.dev/plan-phase': phase.name },
      annotations: {
        [ownerAnnotation(options)]: parent.metadata.name,
        'sluice.dev/plan-owner-uid': parent.metadata.uid ?? '',
      },
      // What cleans up must outlive its object: a foreground deletion removes what the object owns first.
      ...(trigger !== 'delete' && { ownerReferences: [ownerReferenceTo(parent)] }),
    },
    spec: {
      ...(trigger === 'delete' && { ttlStrategy: { secondsAfterCompletion: 3_600 } }),
      ...phase.workflow(parent),
    },
  };
}

function readiness(status: PlanStatus) {
  const what = `plan ${status.plan ?? 'install'}`;
  if (status.state === 'Running') {
    const message = `${what}: phase ${status.phase} is running`;
    return { type: 'Ready', status: 'Unknown', reason: 'PlanRunning', message } as const;
  }
  if (status.state === 'Failed') {
    const message = `${what}: phase ${status.phase} failed; look at its Workflow, then change the spec to try again`;
    return { type: 'Ready', status: 'False', reason: 'PlanFailed', message } as const;
  }
  return { type: 'Ready', status: 'True', reason: 'PlanSucceeded', message: `${what} succeeded` } as const;
}

function phaseNames<Parent extends KubeObject>(options: PlanOptions<Parent>, parent: Parent) {
  const names = (phases: readonly PlanPhase<Parent>[]): readonly string[] => phases.map(({ name }) => name);
  const skip = parent.metadata.annotations?.[skipDeletePlan] === 'true';
  return {
    install: names(options.install),
    ...(options.upgrade && { upgrade: names(options.upgrade) }),
    ...(options.delete && { delete: skip ? [] : names(options.delete) }),
    ...(options.schedule && { schedule: names(options.schedule.phases) }),
  };
}

function phasesOf<Parent extends KubeObject>(options: PlanOptions<Parent>, trigger: PlanTrigger) {
  if (trigger === 'schedule') return options.schedule?.phases ?? [];
  return options[trigger] ?? (trigger === 'upgrade' ? options.install : []);
}

function phaseOf(workflow: KubeObject<unknown, { readonly phase?: string }>): 'Running' | 'Succeeded' | 'Failed' {
  const phase = workflow.status?.phase;
  if (phase === 'Succeeded') return 'Succeeded';
  return phase === 'Failed' || phase === 'Error' ? 'Failed' : 'Running';
}

function belongsTo(options: PlanOptions<never>, workflow: KubeObject, parent: KubeObject): boolean {
  const { annotations } = workflow.metadata;
  if (isControlledBy(workflow, parent)) return true;
  return (
    annotations?.[ownerAnnotation(options)] === parent.metadata.name &&
    annotations['sluice.dev/plan-owner-uid'] === parent.metadata.uid
  );
}

function ownerAnnotation({ parent }: { readonly parent: Resource }): string {
  return `plan.sluice.dev/${parent.plural}`;
}

function workflowName(parent: KubeObject, run: string, phase: string): string {
  const hash = hashOf([parent.metadata.uid, run, phase]).slice(0, 8);
  return `${parent.metadata.name.slice(0, 30)}-${phase.slice(0, 18)}-${hash}`;
}

function inNamespaceOf(parent: KubeObject, name: string): ObjectKey {
  const { namespace } = parent.metadata;
  return namespace ? { namespace, name } : { name };
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(stableText(value)).digest('hex').slice(0, 16);
}
