export type { Condition } from './condition.ts';
export type { ContainerOrder, ContainerPlan } from './container-plan.ts';
export { customResourceDefinitions } from './crd/custom-resource-definitions.ts';
export { findCondition, maxConditionMessage, setCondition } from './condition.ts';
export { TerminalError, TransientError } from './errors.ts';
export type {
  Artifact,
  HelmRelease,
  HelmReleaseSpec,
  HelmReleaseStatus,
  OciRepository,
  ReleaseSnapshot,
  Source,
  SourceStatus,
} from './flux-kinds.ts';
export type { Glob } from './glob.ts';
export { matchesAnyGlob, matchesGlob, parseGlob } from './glob.ts';
export type { Json, JsonObject, KubeObject, ObjectKey, ObjectMeta, OwnerReference } from './kube-object.ts';
export { keyOf, keyText, parseKey } from './kube-object.ts';
export { keys } from './names.ts';
export type { CapturedOutputs, OutputCapture } from './output-capture.ts';
export type {
  ArchiveKind,
  ArtifactContext,
  ArtifactInput,
  ArtifactLocation,
  ArtifactMover,
  ArtifactOutput,
  LogOutput,
  PodInputs,
} from './pod-artifacts.ts';
export type { DoomedArtifact, PodTask, TaskParameter } from './pod-task.ts';
export type { Problem, Result } from './problem.ts';
export { formatProblem, formatProblems, nearest } from './problem.ts';
export type {
  CheckAction,
  CheckAnnotation,
  CheckConclusion,
  CheckReport,
  DeploymentReport,
  DeploymentState,
} from './report.ts';
export type { Resource } from './resource.ts';
export { apiVersionOf, resources } from './resource.ts';
export type { ChartKind, ChartKindSpec, ChartKindStatus } from './chart-kind.ts';
export type {
  DeployRequest,
  DeployApproval,
  Environment,
  EnvironmentSpec,
  EnvironmentStatus,
  ForgeType,
  FreezeWindow,
  ForkApproval,
  Repository,
  RepositorySpec,
  RepositoryStatus,
  SecretGrant,
} from './sluice-kinds.ts';
