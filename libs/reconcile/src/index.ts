export { applyDefinitions } from './apply-definitions.ts';
export { exponentialDelayMs, jittered, maxTimerMs, pause } from './backoff.ts';
export type { Reconcile, ReconcileResult, WatchSource } from './controller.ts';
export type { EventRecorder, EventRecorderOptions } from './event-recorder.ts';
export { createEventRecorder } from './event-recorder.ts';
export { Expectations } from './expectations.ts';
export { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
export type { Informer, InformerOptions, SubscribeOptions } from './informer.ts';
export { createInformer } from './informer.ts';
export type { InformerScope, InformerSet, InformerSetOptions } from './informer-set.ts';
export { createInformerSet } from './informer-set.ts';
export type {
  DeleteOptions,
  Fence,
  JsonPatchOperation,
  KubeApi,
  ListOptions,
  ListResult,
  LogOptions,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './kube-api.ts';
export { isKubeError, KubeApiError } from './kube-api.ts';
export type { LabelRequirement, LabelSelector } from './label-selector.ts';
export {
  formatLabelSelector,
  matchesLabelSelector,
  matchesRequirements,
  parseLabelSelector,
  SelectorError,
  toRequirements,
} from './label-selector.ts';
export type { CacheEvent, IndexFunction } from './object-cache.ts';
export { deepFreeze, labelIndex, namespaceIndex, ownerIndex } from './object-cache.ts';
export { controllerOf, isControlledBy, ownerKeys, ownerReferenceTo } from './owners.ts';
export type { LeaderElection, LeaderElectionOptions } from './leader-election.ts';
export { createLeaderElection } from './leader-election.ts';
export type { Clock, Leadership } from './leadership.ts';
export { fenceWrites, NotLeaderError } from './leadership.ts';
export type { ElectedParts } from './start-elected.ts';
export { electionSettings, startElected } from './start-elected.ts';
export type { ShardedElection, ShardedElectionOptions } from './sharding.ts';
export { createShardedElection, shardOf } from './sharding.ts';
export type { OperatorController, OperatorOptions, OperatorPorts } from './start-operator.ts';
export { startOperator } from './start-operator.ts';
export { applyStatus, sameJson, withCondition } from './status.ts';
export type { TokenBucketOptions } from './token-bucket.ts';
export { TokenBucket } from './token-bucket.ts';
export type { Controller, ControllerOptions, ReconcileOutcome } from './run-controller.ts';
export { createController } from './run-controller.ts';
export type { WorkPriority, WorkqueueObserver, WorkqueueOptions, WorkqueueState } from './workqueue.ts';
export { Workqueue } from './workqueue.ts';
