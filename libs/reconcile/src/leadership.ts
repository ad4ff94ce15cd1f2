import type { ObjectKey } from '@sluice/model';
import type { KubeApi } from './kube-api.ts';

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

/** Refuses writes of `kube` unless `check` passes; what is under way is aborted when the term ends. */
export function fenceWrites(kube: KubeApi, term: () => AbortSignal): KubeApi {
  const guarded = <O extends { readonly signal?: AbortSignal }>(
    options: O | undefined,
  ): O & { signal: AbortSignal } => {
    const own = term();
    const signal = options?.signal ? AbortSignal.any([options.signal, own]) : own;
    return { ...(options as O), signal };
  };
  return {
    get: (resource, key, signal) => kube.get(resource, key, signal),
    list: (resource, options) => kube.list(resource, options),
    watch: (resource, options) => kube.watch(resource, options),
    logs: (pod, options) => kube.logs(pod, options),
    create: async (resource, object, options) => kube.create(resource, object, guarded(options)),
    replace: async (resource, object, options) => kube.replace(resource, object, guarded(options)),
    apply: async (resource, object, options) => kube.apply(resource, object, guarded(options)),
    patch: async (resource, key, patch, options) => kube.patch(resource, key, patch, guarded(options)),
    delete: async (resource, key, options) => kube.delete(resource, key, guarded(options)),
  };
}
