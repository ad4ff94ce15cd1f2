import { keys, type DeployApproval, type DeployRequest, type KubeObject } from '@sluice/model';
import { previewRequest, type ReleasedRun } from '@sluice/pipeline';
import { readApprovals } from '@sluice/release';
import type { ReportedWorkflow } from '@sluice/trigger';

/** A Workflow as releases read it. */
export type WorkflowObject = KubeObject & ReportedWorkflow;

/** The run of a Workflow that has something to release and has not done so. */
export function releasableRun({ metadata, status }: WorkflowObject): ReleasedRun | undefined {
  const { labels = {}, annotations = {}, name, namespace = '' } = metadata;
  const repository = labels[keys.repository];
  const sha = labels[keys.sha];
  const wanted = annotations[keys.deploy] !== undefined && annotations[keys.released] === undefined;
  const pullRequest = labels[keys.event] === 'pull_request' ? Number(labels[keys.pullRequest]) : undefined;
  const trusted = annotations[keys.trust] === 'trusted' && (labels[keys.event] === 'push' || pullRequest !== undefined);
  if (!wanted || !trusted || status?.phase !== 'Succeeded' || repository === undefined || sha === undefined)
    return undefined;
  const parameters = status.outputs?.parameters ?? [];
  const outputs = Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.value ?? '']));
  return {
    repository,
    namespace,
    sha,
    ref: annotations[keys.ref] ?? '',
    workflow: name,
    order: orderOf({ metadata }),
    outputs,
    ...(pullRequest === undefined ? {} : { pullRequest }),
  };
}

/** What a run asks for; one of a pull request asks for previews. Written by ourselves, so only its being JSON is checked. */
export function requestsOf({ metadata }: WorkflowObject, { pullRequest }: ReleasedRun): readonly DeployRequest[] {
  const parsed: unknown = JSON.parse(metadata.annotations?.[keys.deploy] ?? '[]');
  const requests = Array.isArray(parsed) ? (parsed as DeployRequest[]) : [];
  return pullRequest === undefined ? requests : requests.map((request) => previewRequest(request, pullRequest));
}

/** See keys.order. */
export function orderOf({ metadata }: Pick<KubeObject, 'metadata'>): number {
  const order = Number(metadata.annotations?.[keys.order]);
  return Number.isSafeInteger(order) ? order : Date.parse(metadata.creationTimestamp ?? '') || 0;
}

/** Who let it deploy where. */
export function approvalsOf({ metadata }: WorkflowObject): readonly DeployApproval[] {
  return readApprovals(metadata.annotations?.[keys.approvals]);
}

/** When it ended, in milliseconds. */
export function endOf({ metadata, status }: WorkflowObject): number {
  return Date.parse(status?.finishedAt ?? '') || Date.parse(metadata.creationTimestamp ?? '') || 0;
}
