import { type KubeObject, resources } from '@sluice/model';
import { pause } from '@sluice/reconcile';
import type { Running } from '@sluice/runtime';
import { deleteObject, type ManagerContext } from './manager-context.ts';

type Event = KubeObject & { readonly lastTimestamp?: string | null; readonly eventTime?: string | null };

const keepMs = 3_600_000;
const everyMs = 600_000;
const pageSize = 500;

/** True for an event whose last occurrence is more than an hour ago. */
export function isExpired(event: Event, nowMs: number): boolean {
  const last = Date.parse(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '');
  return !Number.isNaN(last) && nowMs - last > keepMs;
}

/** Deletes events an hour after their last occurrence, as a cluster's own store does. Looks every ten minutes. */
export function startEventExpiry(context: ManagerContext): Running {
  const { kube, log, now } = context;
  const stop = new AbortController();
  const { signal } = stop;

  async function sweep(): Promise<void> {
    let token: string | undefined;
    do {
      const page = await kube.list<Event>(resources.events, {
        limit: pageSize,
        ...(token && { continue: token }),
        signal,
      });
      for (const event of page.items.filter((item) => isExpired(item, now()))) {
        await deleteObject(context, resources.events, event, signal);
      }
      token = page.continue;
    } while (token && !signal.aborted);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await sweep();
      } catch (error) {
        if (!signal.aborted) log.warn('events not swept', { error });
      }
      await pause(everyMs, signal);
    }
  }

  const running = run();
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
