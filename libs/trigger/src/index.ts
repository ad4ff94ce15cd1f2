export type {
  DecidedRun,
  RunRequest,
  SkippedRun,
  TriggerDecision,
  TriggeredPipeline,
  TriggerInput,
  TriggerPolicy,
} from './decide-runs.ts';
export { decideRuns, mayDeploy, needsChangedPaths } from './decide-runs.ts';
export type { CommandAction, CommandDecision, CommandedButton, CommandedPull, CommandedRun } from './decide-command.ts';
export { decideButton, decideCommands, toCommandedRun } from './decide-command.ts';
export type { Command, ParsedComment } from './comment-command.ts';
export { parseComment } from './comment-command.ts';
export type { CheckOptions, SkippedReport } from './desired-check.ts';
export { buttons, checkOf, desiredCheck, problemsCheck, refusedCommandCheck, skippedCheck } from './desired-check.ts';
export type { SecretAnswer, SecretQuestion } from './grant-secrets.ts';
export { grantSecrets } from './grant-secrets.ts';
export { referencedSecrets } from './secret-references.ts';
export type { MaskStream } from './mask.ts';
export { annotationsOf } from './log-annotations.ts';
export { createMask, createMaskStream } from './mask.ts';
export type { DeploymentTarget, DesiredDeployment } from './desired-deployment.ts';
export { desiredDeployment, refusedDeployment, supersededDeployment, waitingDeployment } from './desired-deployment.ts';
export type { Mask } from './report-text.ts';
export { formatElapsed, reportLimits } from './report-text.ts';
export type { ForkAnswer, ForkPolicy, ForkQuestion, Permission } from './trust-policy.ts';
export { addApproval, mayCommand, mayForkRun, revokeApprovals } from './trust-policy.ts';
export type { MergeGroupEvent, PullRequestEvent, PushEvent, TriggerEvent, Trust } from './trigger-event.ts';
export { checkIdOf, configShaOf, mergeGroupOf, refOf, trustOf } from './trigger-event.ts';
export type { PolicyProblem, WorkflowPolicy } from './workflow-policy.ts';
export { checkWorkflowPolicy, workflowPolicies } from './workflow-policy.ts';
export type { ReportedNode, ReportedWorkflow, StepView } from './workflow-view.ts';
export { failingStep, isFinished, stepsOf } from './workflow-view.ts';
