import { keyOf, resources } from '@sluice/model';
import { createInformer, isKubeError, type KubeApi } from '@sluice/reconcile';
import { type Pod, timeText } from './workload.ts';

/** A node without processes: pods become Running and ready at once and go when they are deleted. */
export type FakeKubelet = {
  /** Which pods stay not ready; none by default. */
  unready: (pod: Pod) => boolean;
  /** The phase that a pod ends in; undefined: it runs. */
  outcome: (pod: Pod) => 'Succeeded' | 'Failed' | undefined;
  close(): Promise<void>;
};

/** Start it. It answers to every pod that has a node, or, with `all`, to every pod. */
export async function startFakeKubelet(
  kube: KubeApi,
  options: { readonly now?: () => number; readonly all?: boolean } = {},
): Promise<FakeKubelet> {
  const now = options.now ?? Date.now;
  const informer = createInformer<Pod>(kube, { resource: resources.pods });
  const addresses = new Map<string, string>();
  const errors: unknown[] = [];

  async function act(pod: Pod): Promise<void> {
    if (!pod.spec?.nodeName && !options.all) return;
    if (pod.metadata.deletionTimestamp) {
      return kube.delete(resources.pods, keyOf(pod), { uid: pod.metadata.uid ?? '', gracePeriodSeconds: 0 });
    }
    if (pod.status?.phase === 'Running' || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
    const { uid = '' } = pod.metadata;
    const podIP = addresses.get(uid) ?? `127.64.${addresses.size >> 8}.${(addresses.size & 255) + 1}`;
    addresses.set(uid, podIP);
    const time = timeText(now());
    const ended = kubelet.outcome(pod);
    const ready = ended || kubelet.unready(pod) ? 'False' : 'True';
    const status = {
      phase: ended ?? 'Running',
      podIP,
      startTime: time,
      conditions: [
        { type: 'PodScheduled', status: 'True', lastTransitionTime: time },
        { type: 'Ready', status: ready, lastTransitionTime: time },
      ],
    };
    await kube.patch(resources.pods, keyOf(pod), { type: 'merge', body: { status } }, { subresource: 'status' });
  }

  const kubelet: FakeKubelet = {
    unready: () => false,
    outcome: () => undefined,
    async close() {
      await informer.close();
      if (errors.length > 0) throw errors[0];
    },
  };
  informer.subscribe((event) => {
    if (event.type === 'deleted') return;
    act(event.object).catch((error: unknown) => {
      if (!isKubeError(error, 'NotFound', 'Conflict')) errors.push(error);
    });
  });
  informer.start();
  await informer.synced();
  return kubelet;
}
