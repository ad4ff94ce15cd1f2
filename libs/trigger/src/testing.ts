import { keys, type Condition, type HelmRelease } from '@sluice/model';
import type { TriggeredPipeline } from './decide-runs.ts';
import type { PullRequestEvent, PushEvent } from './trigger-event.ts';
import type { ReportedNode, ReportedWorkflow } from './workflow-view.ts';

export const shaA = 'a'.repeat(40);
export const shaB = 'b'.repeat(40);

/** A push of main. */
export function makePush(changes: Partial<PushEvent> = {}): PushEvent {
  return { kind: 'push', ref: 'refs/heads/main', before: shaA, sha: shaB, deleted: false, ...changes };
}

/** An open pull request from a topic branch of the same repository to main. */
export function makePullRequest(changes: Partial<PullRequestEvent> = {}): PullRequestEvent {
  return {
    kind: 'pull_request',
    number: 7,
    sha: shaB,
    baseRef: 'refs/heads/main',
    baseSha: shaA,
    headRef: 'refs/heads/topic',
    open: true,
    draft: false,
    fork: false,
    ...changes,
  };
}

/** A pipeline that runs on every branch push. */
export function makeTriggered(changes: Partial<TriggeredPipeline> = {}): TriggeredPipeline {
  return { name: 'ci', on: { push: {} }, deploy: [], ...changes };
}

/** A workflow of our own with these step nodes. */
export function makeWorkflow(
  phase: string,
  steps: readonly (Partial<ReportedNode> & { readonly displayName: string })[] = [],
  changes: Partial<ReportedWorkflow> = {},
): ReportedWorkflow {
  const nodes = steps.map((step) => ({ id: step.displayName, name: `run.${step.displayName}`, type: 'Pod', ...step }));
  return {
    metadata: {
      name: 'run',
      namespace: 'default',
      uid: 'uid-1',
      labels: { [keys.pipeline]: 'ci', [keys.sha]: shaB, [keys.repository]: 'hello' },
    },
    spec: {
      entrypoint: 'pipeline',
      templates: [{ name: 'pipeline', dag: { tasks: [{ name: 'checkout' }, { name: 'unit' }] } }],
    },
    status: {
      phase,
      startedAt: '2026-11-23T10:00:00Z',
      nodes: Object.fromEntries(nodes.map((node) => [node.id, node])),
    },
    ...changes,
  };
}

/** A HelmRelease of ours, with these conditions (all about the present generation). */
export function makeRelease(
  conditions: readonly (Pick<Condition, 'type' | 'status' | 'reason'> & { readonly message?: string })[],
  changes: Partial<HelmRelease> = {},
): HelmRelease {
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: {
      name: 'hello-staging',
      namespace: 'default',
      generation: 2,
      labels: { [keys.repository]: 'hello', [keys.environment]: 'staging' },
      annotations: { [keys.sha]: shaB, [keys.ref]: 'refs/heads/main' },
    },
    spec: { interval: '10m', releaseName: 'hello', targetNamespace: 'staging' },
    status: {
      observedGeneration: 2,
      conditions: conditions.map((condition) => ({
        message: '',
        lastTransitionTime: '2026-11-23T10:00:00Z',
        observedGeneration: 2,
        ...condition,
      })),
      history: [
        {
          digest: 'sha256:1',
          name: 'hello',
          namespace: 'staging',
          version: 1,
          status: 'deployed',
          chartName: 'hello',
          chartVersion: '0.1.0',
          appVersion: shaA,
          configDigest: 'sha256:2',
          firstDeployed: '2026-11-23T09:00:00Z',
          lastDeployed: '2026-11-23T09:00:00Z',
        },
      ],
    },
    ...changes,
  };
}
