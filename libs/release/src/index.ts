export { formatDuration, parseDuration } from './duration.ts';
export type { Sha256 } from './digest.ts';
export { canonicalJson, configDigest, isTestHook, recordDigest } from './digest.ts';
export type { SnapshotFacts } from './history.ts';
export {
  addSnapshot,
  matchesRecord,
  previousGood,
  refreshHistory,
  snapshotApiVersion,
  takeSnapshot,
  testResult,
  truncateHistory,
  withTestResults,
} from './history.ts';
export { isRepeatable, recognizeOwnRevision } from './own-revision.ts';
export { healConditions, summarizeReady, withoutConditions } from './ready-summary.ts';
export type { DesiredRelease, RecordedHook, RecordedRelease } from './recorded-release.ts';
export type { ActionInput, ActionType, Attempts, ReleaseAction } from './release-action.ts';
export { activePlan, isExhausted, nextAction, typeOf } from './release-action.ts';
export type { AttemptKey, Later } from './release-attempts.ts';
export {
  afterPass,
  annotations,
  attemptsOf,
  countFailure,
  isNewAttempt,
  pendingRequests,
  resetFailures,
} from './release-attempts.ts';
export { releaseNameOf, releaseNamespaceOf, shortenName, versionWithDigest } from './release-name.ts';
export type {
  CrdPolicy,
  DependencyPlan,
  InstallPlan,
  OperationPlan,
  ReleasePlan,
  RemediationPlan,
  RollbackPlan,
  StrategyPlan,
  TargetClusterPlan,
  TestPlan,
  UninstallPlan,
  UpgradePlan,
  ValuesReference,
} from './release-plan.ts';
export { parseReleaseSpec } from './release-plan.ts';
export type { ReleaseState, ReleaseStateKind, StateInput } from './release-state.ts';
export { determineState } from './release-state.ts';
export type { ValuesHolder } from './values-reference.ts';
export { readValuesReference } from './values-reference.ts';
export type { ValuesPart } from './release-values.ts';
export { composeValues, mergeValues, ValuesError } from './release-values.ts';
export { isVersionRange, selectVersion } from './select-version.ts';
export type { OciSourcePlan } from './oci-source-plan.ts';
export { parseOciSourceSpec } from './oci-source-plan.ts';
export type { ChartReference, ChartSourceKind, ChartTemplate } from './chart-template.ts';
export { buildHelmChart, chartReferenceOf, originLabels } from './chart-template.ts';
export type { GitRefPlan, GitSourcePlan, HelmChartPlan, HelmRepositoryPlan } from './source-plans.ts';
export { parseGitSourceSpec, parseHelmChartSpec, parseHelmRepositorySpec } from './source-plans.ts';
export { SpecReader } from './spec-reader.ts';
export type { CelCondition, Health, HealthCheck } from './cel-checks.ts';
export { CelFailure, healthCheckFor, judgeHealth } from './cel-checks.ts';
export type { DriftOperation, DriftPlan, ObjectDrift, ObjectTarget, SelectorMatch } from './drift.ts';
export { describeDrift, detectDrift, driftDetectionKey, isDriftIgnored } from './drift.ts';
export { takeOverFields } from './field-ownership.ts';
export type { CommonMetadata, PostRenderInput, PostRenderPlan } from './post-render-plan.ts';
export { commonMetadataDigest, postRenderersDigest, postRenderInput } from './post-render-plan.ts';
export type { InventoryEntry } from './inventory.ts';
export { buildInventory, inventoryEntry, parseInventoryEntry } from './inventory.ts';
export type { ManifestChange } from './manifest-diff.ts';
export { diffManifests, formatChanges } from './manifest-diff.ts';
export type { ChartResource, ChartResourceStatus } from './chart-kind.ts';
export {
  buildKindDefinition,
  buildOwnedRelease,
  chartKindLabel,
  definitionConflict,
  isAsAsked,
  releaseNameOfResource,
  resourceOfChartKind,
  statusOfResource,
} from './chart-kind.ts';
export type { ChartSchema } from './chart-kind-schema.ts';
export { schemaOfChart } from './chart-kind-schema.ts';
export type { HistoryRow, ReleaseStanding, TracedPod, TraceInput, TraceStep } from './release-trace.ts';
export { historyRows, standingOf, traceRelease } from './release-trace.ts';
export type { EnvironmentPlan } from './environment-plan.ts';
export { parseEnvironmentSpec } from './environment-plan.ts';
export type { Gate, GateBefore, GateInput, GateRequest } from './environment-gate.ts';
export { decideGate, readApprovals } from './environment-gate.ts';
