import type { KubeObject } from '@sluice/model';
import { createEventRecorder, type KubeApi } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';

/** Tells people what happened to an object. Never waited for, never in the way. */
export type EventRecorder = {
  record(subject: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
  close(): Promise<void>;
};

const burst = 30;
const refillMs = 1_000;

/**
 * Core Events within a budget for the whole node: 30 at once and then one a second; what is beyond is dropped, so that a
 * thousand pods do not mean a thousand events.
 */
export function createNodeEvents(kube: KubeApi, log: Log, now: () => number): EventRecorder {
  const recorder = createEventRecorder({ kube, log, now, component: 'sluice-node-agent' });
  let tokens = burst;
  let filledAt = now();
  let closed = false;
  return {
    record(subject, type, reason, message) {
      const time = now();
      tokens = Math.min(burst, tokens + (time - filledAt) / refillMs);
      filledAt = time;
      if (tokens < 1 || closed) return;
      tokens--;
      recorder.event(subject, type, reason, message);
    },
    async close() {
      closed = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cut = setTimeout(resolve, 1_000);
      await Promise.race([recorder.flush(), promise]);
      clearTimeout(cut);
    },
  };
}
