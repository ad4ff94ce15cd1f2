import { type ObjectKey, resources } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import { setTimeout as delay } from 'node:timers/promises';

export type RemovePodObject = {
  readonly kube: KubeApi;
  readonly log: Log;
  readonly key: ObjectKey;
  readonly uid: string;
  /** Ends the attempts. */
  readonly isClosed: () => boolean;
};

const firstWaitMs = 100;
const longestWaitMs = 5_000;

/** Delete the object of a pod whose processes have ended, trying again until the server has done it or the agent closes. */
export async function removePodObject({ kube, log, key, uid, isClosed }: RemovePodObject): Promise<void> {
  for (let waitMs = firstWaitMs; !isClosed(); waitMs = Math.min(longestWaitMs, waitMs * 2)) {
    try {
      await kube.delete(resources.pods, key, { gracePeriodSeconds: 0, uid });
      return;
    } catch (error) {
      if (isKubeError(error, 'Conflict', 'NotFound')) return;
      log.warn('pod not removed', { ...key, error });
      await delay(waitMs);
    }
  }
}
