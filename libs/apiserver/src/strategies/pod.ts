import type { KubeObject } from '@sluice/model';
import { withinLimits } from '../admission/limit-range.ts';
import { withPriority } from '../admission/priority.ts';
import { withServiceAccount } from '../admission/token-volume.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { equalJson, isRecord, listAt, recordAt, textAt, valueAt, withField } from '../objects/json.ts';
import { type Strategy, timeText } from '../rest/api.ts';

/** The node that pods run on when nothing says otherwise. */
export const localNode = 'local';

/**
 * Pods. A pod without scheduling constraints is bound to the one node when it is created, which saves the write that a
 * scheduler would make. Deletion is graceful until the node agent deletes with a grace period of 0.
 */
export function podStrategy(objects: ObjectStore, now: () => number): Strategy {
  return {
    prepareCreate: (given) => {
      const pod = withinLimits(objects, withPriority(objects, given));
      const fresh = withField(pod, 'status', { phase: 'Pending', qosClass: qosClass(pod) });
      return bind(withServiceAccount(objects, fresh), now());
    },
    prepareUpdate: (pod, old) => (textAt(pod, 'spec', 'nodeName') === '' ? keepNode(pod, old) : pod),
    graceSeconds: (pod, asked) => {
      const phase = textAt(pod, 'status', 'phase');
      if (textAt(pod, 'spec', 'nodeName') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
      return asked ?? defaultGrace(pod);
    },
  };
}

function defaultGrace(pod: KubeObject): number {
  const seconds = valueAt(pod, 'spec', 'terminationGracePeriodSeconds');
  return typeof seconds === 'number' && seconds >= 0 ? seconds : 30;
}

function keepNode(pod: KubeObject, old: KubeObject): KubeObject {
  const nodeName = textAt(old, 'spec', 'nodeName');
  return nodeName === '' ? pod : withField(pod, 'spec', { ...recordAt(pod, 'spec'), nodeName });
}

function bind(pod: KubeObject, now: number): KubeObject {
  const spec = recordAt(pod, 'spec');
  if (textAt(spec, 'nodeName') !== '') return scheduled(pod, now);
  const constrained =
    Object.keys(recordAt(spec, 'nodeSelector')).length > 0 ||
    Object.keys(recordAt(spec, 'affinity')).length > 0 ||
    listAt(spec, 'schedulingGates').length > 0 ||
    !['', 'default-scheduler'].includes(textAt(spec, 'schedulerName'));
  return constrained ? pod : scheduled(withField(pod, 'spec', { ...spec, nodeName: localNode }), now);
}

/** The pod with the condition that a scheduler's binding sets. */
export function scheduled(pod: KubeObject, now: number): KubeObject {
  const status = recordAt(pod, 'status');
  const others = listAt(status, 'conditions').filter((condition) => textAt(condition, 'type') !== 'PodScheduled');
  const condition = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timeText(now) };
  return withField(pod, 'status', { ...status, conditions: [...others, condition] });
}

/** Guaranteed, Burstable or BestEffort, from the requests and limits of all containers. */
export function qosClass(pod: KubeObject): string {
  const spec = recordAt(pod, 'spec');
  const containers = [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')].filter(isRecord);
  let [any, guaranteed] = [false, containers.length > 0];
  for (const container of containers) {
    const limits = recordAt(container, 'resources', 'limits');
    const requests = recordAt(container, 'resources', 'requests');
    for (const resource of ['cpu', 'memory']) {
      const [limit, request] = [limits[resource], requests[resource] ?? limits[resource]];
      any ||= limit !== undefined || request !== undefined;
      guaranteed &&= limit !== undefined && equalJson(limit, request);
    }
  }
  if (guaranteed) return 'Guaranteed';
  return any ? 'Burstable' : 'BestEffort';
}
