export type { AdmissionLimits } from './admission.ts';
export { AdmissionQueue } from './admission.ts';
export type { Action, ContainerObservation, PodObservation } from './action.ts';
export type { GcPod, GcStep } from './artifact-gc.ts';
export { artifactGcFinalizer, decideArtifactGc, usesArtifactGc } from './artifact-gc.ts';
export type { DecideInput } from './decide.ts';
export { buildCronChild, childNameOf, cronLabel } from './cron/cron-child.ts';
export { evaluateCronWhen } from './cron/cron-expressions.ts';
export type { ActiveRun, CronSpec, CronStatus, CronWorkflow } from './cron/cron-types.ts';
export type { CronDecision, CronInput, CronWatch } from './cron/decide-cron.ts';
export { decideCron, failSubmission, recordRun, upcomingTimes } from './cron/decide-cron.ts';
export type { Decision } from './decision.ts';
export { decide } from './decide.ts';
export type { NodeSelector, OperationResult } from './operations.ts';
export { matchesSelector, resumeWorkflow, stopWorkflow, supplyOutputs, terminateWorkflow } from './operations.ts';
export type { LockChanges, LockHolder, LockKey, LockRank } from './locks.ts';
export { LockTable } from './locks.ts';
export type { SemaphoreLimit, SemaphoreReference } from './synchronization.ts';
export { restoreLocks } from './synchronization.ts';
export { fnv1a32, nodeIdOf, podNameOf } from './node-name.ts';
export type { Lookup } from './pass.ts';
export type { ArtifactRepository, PodArtifacts, RepositoryAnswer } from './pod-artifacts.ts';
export { formatTime } from './pass.ts';
export { collectablePods, expiresAt, podExpiresAt } from './retention.ts';
export type { RerunOptions, Resubmission } from './rerun.ts';
export { resubmitWorkflow, retriesAnnotation, retryNumberOf, retryWorkflow } from './rerun.ts';
export { mergeSpec } from './spec-merge.ts';
export { unknownFieldProblems } from './validate/unknown-fields.ts';
export type { ManifestOptions } from './validate/validate-manifest.ts';
export { validateManifest } from './validate/validate-manifest.ts';
export type { ValidateOptions } from './validate/validate.ts';
export { validate } from './validate/validate.ts';
export type {
  Arguments,
  Artifact,
  Container,
  NodePhase,
  NodeStatus,
  NodeType,
  Outputs,
  Parameter,
  RetryStrategy,
  Template,
  Workflow,
  WorkflowCondition,
  WorkflowPhase,
  WorkflowSpec,
  WorkflowStatus,
  WorkflowTemplate,
} from './workflow-types.ts';
export { hasFailed, isCompleted, isFinished, isFulfilled } from './workflow-types.ts';
