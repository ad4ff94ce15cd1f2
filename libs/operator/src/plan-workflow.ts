import type { JsonObject, KubeObject, ObjectKey } from '@sluice/model';
import { isControlledBy, ownerReferenceTo } from '@sluice/reconcile';
import type { PlanRun } from './plan-status.ts';
import { hashOf } from './stable-text.ts';

/** Labels of the Workflows of plans. */
export const planLabels = Object.freeze({
  controller: 'sluice.dev/plan-controller',
  plan: 'sluice.dev/plan',
  phase: 'sluice.dev/plan-phase',
});

const ownerAnnotation = 'sluice.dev/plan-owner';
const ownerUidAnnotation = 'sluice.dev/plan-owner-uid';

/** What the Workflow of a phase is called. It follows from the object and the run, so that a phase never runs twice. */
export function keyOfWorkflow(parent: KubeObject, { plan, number }: PlanRun, phase: string): ObjectKey {
  const { namespace, name, uid } = parent.metadata;
  const full = `${name.slice(0, 24)}-${number}-${phase}-${hashOf([uid, plan, number, phase]).slice(0, 8)}`;
  return namespace ? { namespace, name: full } : { name: full };
}

/** For watches: the object that a Workflow was made for. */
export function planOwner({ metadata: { namespace, annotations } }: KubeObject): readonly ObjectKey[] {
  const name = annotations?.[ownerAnnotation];
  if (name === undefined) return [];
  return [namespace ? { namespace, name } : { name }];
}

/** True when the Workflow was made for this very object. */
export function ownsWorkflow(parent: KubeObject, workflow: KubeObject): boolean {
  return (
    isControlledBy(workflow, parent) || workflow.metadata.annotations?.[ownerUidAnnotation] === parent.metadata.uid
  );
}

type Parts = {
  readonly controller: string;
  readonly parent: KubeObject;
  readonly run: PlanRun;
  readonly phase: string;
  readonly spec: JsonObject;
};

/** The Workflow of a phase. */
export function buildWorkflow({ controller, parent, run, phase, spec }: Parts): KubeObject<JsonObject> {
  const outlives = run.plan === 'delete';
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: {
      ...keyOfWorkflow(parent, run, phase),
      labels: { [planLabels.controller]: controller, [planLabels.plan]: run.plan, [planLabels.phase]: phase },
      annotations: { [ownerAnnotation]: parent.metadata.name, [ownerUidAnnotation]: parent.metadata.uid ?? '' },
      // What cleans up must outlive its object: a foreground deletion removes what the object owns first.
      ...(!outlives && { ownerReferences: [ownerReferenceTo(parent)] }),
    },
    spec: { ...(outlives && { ttlStrategy: { secondsAfterCompletion: 3_600 } }), ...spec },
  };
}
