// What an operator is written with.
export type { Fields, InputOf, Rule, ValuesOf } from './field.ts';
export { field, parseDurationMs } from './field.ts';
export type {
  Column,
  CustomObject,
  Kind,
  KindOptions,
  ObjectOf,
  ScalePaths,
  ServedVersion,
  StatusBase,
} from './kind.ts';
export { defineKind } from './kind.ts';
export type { AccessRule, Verb } from './access.ts';
export { limitAccess, toPolicyRules } from './access.ts';
export type { ControllerDefinition, ControllerPorts, Related } from './controller.ts';
export type { DefineControllerOptions, ReconcileAnswer, ReconcileContext } from './define-controller.ts';
export { defineController } from './define-controller.ts';
export type { ChildKind, UpdateStrategy } from './child-updates.ts';
export { isReadyByCondition } from './child-updates.ts';
export type {
  CompositeDecision,
  CompositeOptions,
  FinalDecision,
  ObjectsByKind,
  Observed,
} from './define-composite.ts';
export { defineComposite } from './define-composite.ts';
export type { Plan, PlanOptions, PlanPhase } from './define-plan.ts';
export { definePlan, runPlan, skipDeletePlan } from './define-plan.ts';
export type { PlanStatus } from './plan-status.ts';
export { planStatus } from './plan-status.ts';
export type { Readiness } from './readiness.ts';
export { notReady, ready } from './readiness.ts';
export type { Operator, OperatorDefinition, StartOptions } from './operator.ts';
export { defineOperator, start, toController } from './operator.ts';
export { buildAccessManifests, buildDefinitions, toYaml } from './manifests.ts';
export { chartFiles } from './chart-files.ts';
export { runOperator } from './main.ts';

// What else an operator needs, so that it depends on nothing but this package.
export type { Condition, Json, JsonObject, KubeObject, ObjectKey, Resource } from '@sluice/model';
export { apiVersionOf, findCondition, keyOf, resources, TerminalError } from '@sluice/model';
export type { Informer, KubeApi, ReconcileResult } from '@sluice/reconcile';
export { applyDefinitions, isKubeError, KubeApiError } from '@sluice/reconcile';
