export { chartUrl, digestParameterOf, imageUrl } from './artifact-name.ts';
export type { CheckManifest } from './argo-file.ts';
export { triggerAnnotations } from './argo-file.ts';
export { offsetOf } from './yaml-place.ts';
export type { CompileContext, CompiledWorkflow } from './compile.ts';
export { compile, entrypoint } from './compile.ts';
export { defaultToolsImage } from './compile-step.ts';
export { formatDuration, parseDuration } from './duration.ts';
export type { ParsedPipelines } from './parse-pipelines.ts';
export { defaultTimeoutSeconds, isPipelineFile, parseFiles, parsePipelines } from './parse-pipelines.ts';
export type {
  AnyPipeline,
  ArgoPipeline,
  ChartPackage,
  Deploy,
  ImagePackage,
  Pipeline,
  PullRequestTrigger,
  PushTrigger,
  SecretKey,
  Step,
} from './pipeline.ts';
export { pipelineApiVersion } from './pipeline.ts';
export { pipelineShape } from './pipeline-shape.ts';
export type { Field, Shape, TextRule } from './shape.ts';
export { limits } from './source-text.ts';
export type { SourceFile } from './source-text.ts';
export type { RerunContext } from './rerun.ts';
export { buildRerun } from './rerun.ts';
export type { RunIdentity } from './workflow-name.ts';
export { workflowName } from './workflow-name.ts';
export type { ReleasedRun, ReleaseObjects, ReleaseTarget } from './release-objects.ts';
export { buildRelease, previewNamespace, previewRequest, releaseObjectName } from './release-objects.ts';
export type { EnvironmentFile, EnvironmentFilesRule, FiledRelease } from './environment-files.ts';
export { readReleaseFiles, releaseFileName, writeReleaseFile } from './environment-files.ts';
