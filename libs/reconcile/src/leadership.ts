import type { ObjectKey } from '@sluice/model';
import type { Fence, KubeApi } from './kube-api.ts';

/** Time as elections see it. The default is the monotonic clock of the process. */
export type Clock = {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** Call back after a delay; returns how to cancel. */
  timer(delayMs: number, callback: () => void): () => void;
};

/** The clock of this process. */
export const processClock: Clock = {
  now: () => performance.now(),
  timer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A write was refused here because this process does not hold, or no longer holds, the lease. Never sent. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
}

/** Says which keys this process may work on. */
export type Leadership = {
  /** True while this process may work on the key. Looks at the clock, so it is false at once after a long pause. */
  owns(key: string): boolean;
  /** Fires when the right to work on the key is lost; undefined when there is none. */
  term(key: string): AbortSignal | undefined;
  /** Hear when keys have become ours. Returns how to stop. */
  onGained(listener: () => void): () => void;
  /** `kube` whose writes are refused with {@link NotLeaderError} unless this process owns the key. */
  fence(kube: KubeApi, key?: ObjectKey): KubeApi;
};

/**
 * Writes of `kube` are sent only while `term` gives a signal; it throws when this process may not write. It is asked again
 * before each attempt, because between two of them the process may have been paused; what is under way is aborted when
 * the term ends.
 */
export function fenceWrites(kube: KubeApi, term: () => AbortSignal): KubeApi {
  async function guarded<O extends { readonly signal?: AbortSignal }, T>(
    options: O | undefined,
    write: (options: O & { readonly signal: AbortSignal; readonly fence: Fence }) => Promise<T>,
  ): Promise<T> {
    const ends = [term(), ...(options?.signal ? [options.signal] : [])];
    const cut = new AbortController();
    // Not AbortSignal.any: a write leaves nothing behind on a signal that lives as long as the term.
    const stop = (event: Event): void => cut.abort((event.target as AbortSignal).reason);
    for (const end of ends) {
      if (end.aborted) throw end.reason;
      end.addEventListener('abort', stop);
    }
    try {
      return await write({ ...(options as O), signal: cut.signal, fence: () => void term() });
    } finally {
      for (const end of ends) end.removeEventListener('abort', stop);
    }
  }
  return {
    get: (resource, key, signal) => kube.get(resource, key, signal),
    list: (resource, options) => kube.list(resource, options),
    watch: (resource, options) => kube.watch(resource, options),
    logs: (pod, options) => kube.logs(pod, options),
    create: (resource, object, options) => guarded(options, (fenced) => kube.create(resource, object, fenced)),
    replace: (resource, object, options) => guarded(options, (fenced) => kube.replace(resource, object, fenced)),
    apply: (resource, object, options) => guarded(options, (fenced) => kube.apply(resource, object, fenced)),
    patch: (resource, key, patch, options) => guarded(options, (fenced) => kube.patch(resource, key, patch, fenced)),
    delete: (resource, key, options) => guarded(options, (fenced) => kube.delete(resource, key, fenced)),
  };
}
