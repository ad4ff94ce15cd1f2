import { resources, type KubeObject } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import type { StepView } from '@sluice/trigger';

/** What is read of a log to find remarks in; a check shows fewer. */
const maxLines = 2_000;
const maxBytes = 512 * 1_024;
const timeoutMs = 10_000;

/** The pods of a workflow carry its name in this label and their node's id in this annotation, as Argo's do. */
const workflowLabel = 'workflows.argoproj.io/workflow';
const nodeIdAnnotation = 'workflows.argoproj.io/node-id';

/** The last lines of a step's log; undefined when its pod or the log is gone. A log is never worth failing a report for. */
export async function readLogTail(
  kube: KubeApi,
  workflow: KubeObject,
  step: StepView,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { namespace = '', name } = workflow.metadata;
  if (step.nodeId === undefined) return undefined;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const selector = { namespace, labelSelector: `${workflowLabel}=${name}`, signal: limited };
    const { items } = await kube.list(resources.pods, selector);
    const pod =
      items.find(({ metadata }) => metadata.annotations?.[nodeIdAnnotation] === step.nodeId) ??
      items.find(({ metadata }) => metadata.name === step.nodeId);
    if (!pod) return undefined;
    const options = { container: 'main', tailLines: maxLines, signal: limited };
    return await collect(kube.logs({ namespace, name: pod.metadata.name }, options));
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

/** The end of the stream: the last lines tell what went wrong. */
async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    for (let first = parts[0]; first && length - first.length > maxBytes; first = parts[0]) {
      length -= first.length;
      parts.shift();
    }
  }
  return length === 0 ? undefined : Buffer.concat(parts).subarray(-maxBytes).toString('utf8');
}
