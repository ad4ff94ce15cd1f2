import { keyOf, type ObjectKey, resources } from '@sluice/model';
import { type Controller, createController, isKubeError, type ReconcileResult } from '@sluice/reconcile';
import { ignoreGone, type ManagerContext } from './manager-context.ts';
import { isEnded, podCondition } from './pod-state.ts';
import { decidePlacement, type Node } from './scheduling.ts';
import { type Pod, timeText } from './workload.ts';

/** The name under which pods ask for this scheduler; the default of every pod. */
const schedulerName = 'default-scheduler';

/**
 * Binds pods that the API server has not put on the one node already: those with node selectors, affinity or gates.
 * A pod that fits nowhere says so in its condition PodScheduled.
 */
export function schedulerController(context: ManagerContext): Controller {
  const { kube, informers, log, events, now } = context;
  const pods = informers.informer<Pod>(resources.pods);
  const nodes = informers.informer<Node>(resources.nodes);

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const pod = pods.get(key);
    if (!pod || !needsNode(pod)) return {};
    const placement = decidePlacement(pod, nodes.list());
    if (placement.node !== undefined) await bind(pod, placement.node, signal);
    else await report(pod, placement.reason, placement.message, signal);
    return {};
  }

  async function bind(pod: Pod, node: string, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const metadata = { name, ...(namespace && { namespace }), ...(uid && { uid }) };
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata,
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    };
    try {
      await kube.create(resources.pods, binding, { subresource: 'binding', signal });
    } catch (error) {
      // Bound or deleted since.
      if (!isKubeError(error, 'Conflict', 'NotFound')) throw error;
    }
  }

  async function report(pod: Pod, reason: string, message: string, signal: AbortSignal): Promise<void> {
    const before = podCondition(pod, 'PodScheduled');
    if (before?.status === 'False' && before.reason === reason && before.message === message) return;
    const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : timeText(now());
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastProbeTime: null,
      lastTransitionTime,
    };
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [...others, condition] } };
    await ignoreGone(
      kube.patch(resources.pods, keyOf(pod), { type: 'merge', body }, { subresource: 'status', signal }),
    );
    if (reason === 'Unschedulable') events.event(pod, 'Warning', 'FailedScheduling', message);
  }

  function needsNode(pod: Pod): boolean {
    const { nodeName, schedulerName: wanted = schedulerName } = pod.spec ?? {};
    return !nodeName && wanted === schedulerName && !pod.metadata.deletionTimestamp && !isEnded(pod);
  }

  return createController({
    name: 'scheduler',
    informers,
    log,
    reconcile,
    watches: [
      { resource: resources.pods, keysOf: (pod) => (needsNode(pod as Pod) ? [keyOf(pod)] : []) },
      { resource: resources.nodes, keysOf: () => pods.list().filter(needsNode).map(keyOf) },
    ],
  });
}
