import { resources, type KubeObject } from '@sluice/model';
import type { ReleaseRecord } from '@sluice/helm';
import type { KubeApi } from '@sluice/reconcile';
import { parseAllDocuments } from 'yaml';

type ContainerState = {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly message?: string };
};
type ContainerStatus = {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
};
type PodStatus = {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
};
type Pod = KubeObject<unknown, PodStatus>;
type EventObject = KubeObject & {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string;
};

const maxPods = 3;
const maxLogLines = 10;
const maxLogBytes = 8 * 1024;
const maxChars = 4_000;
const timeLimitMs = 10_000;

/**
 * Why objects of a release are not ready: for its pods that are not, the waiting reason, the newest warning and the last lines of the
 * log. Bounded in time and length; what cannot be read is left out. Empty when there is nothing to tell.
 */
export async function explainFailure(
  kube: KubeApi,
  record: ReleaseRecord | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (!record) return '';
  const until = AbortSignal.any([signal, AbortSignal.timeout(timeLimitMs)]);
  const parts: string[] = [];
  try {
    const selectors = podSelectors(record.manifest);
    const seen = new Set<string>();
    for (const labelSelector of selectors) {
      const options = { namespace: record.namespace, labelSelector, limit: 50, signal: until };
      const { items } = await kube.list<Pod>(resources.pods, options);
      for (const pod of newestFirst(items).filter(isUnready)) {
        if (seen.size >= maxPods || seen.has(pod.metadata.name)) continue;
        seen.add(pod.metadata.name);
        parts.push(await explainPod(kube, pod, until));
      }
    }
  } catch {
    // The explanation is a courtesy: the failure itself is reported with or without it.
  }
  return parts.join('\n').slice(0, maxChars);
}

/** Label selectors of the pods that a manifest's workloads make. */
function podSelectors(manifest: string): readonly string[] {
  const selectors: string[] = [];
  for (const document of parseAllDocuments(manifest)) {
    const object = document.toJS({ maxAliasCount: 100 }) as {
      kind?: string;
      metadata?: { name?: string };
      spec?: { selector?: { matchLabels?: Record<string, string> } };
    } | null;
    const labels = object?.spec?.selector?.matchLabels;
    if (labels && /^(?:Deployment|StatefulSet|DaemonSet|ReplicaSet)$/.test(object.kind ?? '')) {
      selectors.push(
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
      );
    } else if (object?.kind === 'Job' && object.metadata?.name) selectors.push(`job-name=${object.metadata.name}`);
  }
  return selectors;
}

function newestFirst(pods: readonly Pod[]): readonly Pod[] {
  const time = (pod: Pod): string => pod.metadata.creationTimestamp ?? '';
  return pods.toSorted((a, b) => (time(a) < time(b) ? 1 : -1));
}

function isUnready(pod: Pod): boolean {
  if (pod.status?.phase === 'Succeeded' || pod.metadata.deletionTimestamp) return false;
  return pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True';
}

async function explainPod(kube: KubeApi, pod: Pod, signal: AbortSignal): Promise<string> {
  const { name, namespace = '' } = pod.metadata;
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const culprit = containers.find(({ ready, state }) => !ready && state?.terminated?.exitCode !== 0) ?? containers[0];
  const lines = [`pod ${name}: ${describe(pod, culprit)}`];
  const warning = await newestWarning(kube, namespace, name, signal);
  if (warning) lines.push(`  last event: ${warning}`);
  const log = culprit ? await logTail(kube, pod, culprit, signal) : [];
  if (log.length > 0) lines.push(`  last log lines of ${culprit?.name}:`, ...log.map((line) => `    ${line}`));
  return lines.join('\n');
}

function describe(pod: Pod, container: ContainerStatus | undefined): string {
  const { phase = 'Unknown', reason, message, conditions } = pod.status ?? {};
  if (container) {
    const { waiting, terminated } = container.state ?? {};
    const last = container.lastState?.terminated;
    const restarts = container.restartCount ? `, restarted ${container.restartCount} times` : '';
    const ended = last?.exitCode === undefined ? '' : `, exit code ${last.exitCode} before`;
    if (waiting?.reason)
      return `container ${container.name} waits: ${waiting.reason}${waiting.message ? ` (${waiting.message.slice(0, 300)})` : ''}${ended}${restarts}`;
    if (terminated)
      return `container ${container.name} ended with exit code ${terminated.exitCode} (${terminated.reason ?? 'no reason'})${restarts}`;
    if (!container.ready) return `container ${container.name} runs but is not ready${restarts}`;
  }
  const unscheduled = conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  return [phase, reason ?? unscheduled?.reason, message ?? unscheduled?.message].filter(Boolean).join(': ');
}

async function newestWarning(
  kube: KubeApi,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const options = { namespace, fieldSelector: `involvedObject.name=${name}`, limit: 100, signal };
  const { items } = await kube.list<EventObject>(resources.events, options).catch(() => ({ items: [] }));
  const warnings = items.filter(({ type }) => type === 'Warning');
  const newest = warnings.toSorted((a, b) => ((a.lastTimestamp ?? '') < (b.lastTimestamp ?? '') ? 1 : -1))[0];
  return newest && `${newest.reason}: ${(newest.message ?? '').slice(0, 300)}`;
}

async function logTail(
  kube: KubeApi,
  pod: Pod,
  { name, state, restartCount }: ContainerStatus,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const previous = state?.waiting !== undefined && (restartCount ?? 0) > 0;
  const { namespace = '', name: podName } = pod.metadata;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const options = {
      container: name,
      tailLines: maxLogLines,
      limitBytes: maxLogBytes,
      signal,
      ...(previous ? { previous } : {}),
    };
    for await (const chunk of kube.logs({ namespace, name: podName }, options)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxLogBytes) break;
    }
  } catch {
    return [];
  }
  const lines = Buffer.concat(chunks)
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.slice(-maxLogLines).map((line) => line.slice(0, 300));
}
