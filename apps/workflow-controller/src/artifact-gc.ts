import { formatProblems, type JsonObject, type KubeObject, type PodTask } from '@sluice/model';
import { buildPod, parseCaptured } from '@sluice/pod';
import type { ReconcileResult } from '@sluice/reconcile';
import { artifactGcFinalizer, decideArtifactGc, fnv1a32, type GcPod, type Workflow } from '@sluice/workflow';
import type { WorkflowPorts } from './ports.ts';

const gcLabel = 'workflows.argoproj.io/artifact-gc';
const retryMs = 5_000;

type PodStatus = {
  readonly phase?: string;
  readonly containerStatuses?: readonly { readonly state?: { readonly terminated?: { readonly message?: string } } }[];
};

/** True for a pod that deletes artifacts: it is no step. */
export function isGcPod(pod: KubeObject): boolean {
  return pod.metadata.labels?.[gcLabel] !== undefined;
}

/**
 * Delete what `artifactGC` says of a workflow that has ended or is being deleted. Gives a result while there is something
 * to wait for; undefined once nothing more is to be done.
 */
export async function collectArtifacts(
  ports: WorkflowPorts,
  workflow: Workflow,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  if (workflow.metadata.finalizers?.includes(artifactGcFinalizer) !== true) return undefined;
  const { namespace = '', name } = workflow.metadata;
  const pods = await ports.podsOf(workflow);
  if (workflow.metadata.deletionTimestamp !== undefined && (await endSteps(ports, pods, signal))) return {};
  const step = decideArtifactGc(workflow, pods.filter(isGcPod).map(observe));
  switch (step.kind) {
    case 'none':
      return undefined;
    case 'wait':
      return {};
    case 'release': {
      const finalizers = (workflow.metadata.finalizers ?? []).filter((one) => one !== artifactGcFinalizer);
      await ports.patchWorkflow({ namespace, name }, { metadata: { finalizers } }, signal);
      return {};
    }
    case 'record':
      await ports.patchWorkflow({ namespace, name }, { status: step.status }, signal);
      if (step.pod !== undefined) await ports.deletePod({ namespace, name: step.pod }, signal);
      return { requeueAfterMs: 0 };
    case 'create':
      await createGcPod(ports, workflow, step.strategy, { kind: 'artifact-gc', artifacts: step.artifacts }, signal);
      return { requeueAfterMs: retryMs };
    default:
      return step satisfies never;
  }
}

/** Steps that still run would write what is being deleted. True while there are some. */
async function endSteps(ports: WorkflowPorts, pods: readonly KubeObject[], signal: AbortSignal): Promise<boolean> {
  const isLive = ({ status }: KubeObject): boolean =>
    !/^(?:Succeeded|Failed)$/.test((status as PodStatus | undefined)?.phase ?? '');
  const live = pods.filter((pod) => !isGcPod(pod) && isLive(pod));
  for (const { metadata } of live)
    if (metadata.deletionTimestamp === undefined)
      await ports.deletePod({ namespace: metadata.namespace ?? '', name: metadata.name }, signal);
  return live.length > 0;
}

function observe(pod: KubeObject): GcPod {
  const { phase = '', containerStatuses = [] } = (pod.status ?? {}) as PodStatus;
  const captured = parseCaptured(containerStatuses[0]?.state?.terminated?.message);
  const finished = phase === 'Succeeded' || phase === 'Failed';
  const error = captured?.error ?? (phase === 'Failed' ? 'the pod that deletes artifacts has failed' : undefined);
  const deleted = captured?.artifacts ?? [];
  return { name: pod.metadata.name, finished, deleted, ...(error === undefined ? {} : { error }) };
}

async function createGcPod(
  ports: WorkflowPorts,
  workflow: Workflow,
  strategy: string,
  task: Extract<PodTask, { kind: 'artifact-gc' }>,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = '', uid = '' } = workflow.metadata;
  const spec = { ...workflow.status?.storedWorkflowTemplateSpec, ...workflow.spec };
  const { serviceAccountName, podMetadata, podSpecPatch } = (spec['artifactGC'] ?? {}) as {
    readonly serviceAccountName?: string;
    readonly podMetadata?: JsonObject;
    readonly podSpecPatch?: string;
  };
  const short = strategy === 'OnWorkflowCompletion' ? 'wfcomp' : 'wfdel';
  const hash = fnv1a32(JSON.stringify(task.artifacts.map((one) => [one.node, one.name])));
  const podName = `${name.slice(0, 200)}-artgc-${short}-${hash}`;
  const built = buildPod({
    workflow: { name, namespace, uid },
    spec: serviceAccountName ? { serviceAccountName } : { serviceAccountName: spec.serviceAccountName },
    node: { id: '', name: podName, podName },
    template: { name: podName, metadata: { labels: { [gcLabel]: short } } },
    ...(podMetadata ? { podMetadata } : {}),
    ...(podSpecPatch ? { podSpecPatches: [podSpecPatch] } : {}),
    parseYaml: (text) => ports.parseYaml(text),
    captureResult: false,
    now: ports.now(),
    outputs: ports.outputs(),
    task,
  });
  if (!built.ok) {
    ports.recordEvent(workflow, 'Warning', 'ArtifactGCFailed', formatProblems(built.problems));
    return;
  }
  await ports.createPod(built.value, signal);
}
