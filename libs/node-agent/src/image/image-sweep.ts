import type { Informer } from '@sluice/reconcile';
import type { Log, Running } from '@sluice/runtime';
import type { Pod } from '../pod/pod-spec.ts';
import type { Images } from './image-store.ts';

const firstMs = 15 * 60_000;
const everyMs = 6 * 60 * 60_000;
/** An image that no pod has and nobody asked for this long is given up: it can be unpacked again. */
const keptMs = 7 * 24 * 60 * 60_000;

/** Remove images that nobody uses, now and then. */
export function startImageSweep(images: Images, pods: Informer<Pod>, log: Log, now: () => number): Running {
  let timer = setTimeout(look, firstMs).unref();
  function look(): void {
    timer = setTimeout(look, everyMs).unref();
    images.sweep?.(digestsOf(pods.list()), now() - keptMs).catch((error: unknown) => {
      log.warn('old images not removed', { error });
    });
  }
  return {
    close() {
      clearTimeout(timer);
      return Promise.resolve();
    },
  };
}

/** Digests of the images that pods have been started from. */
function digestsOf(pods: readonly Pod[]): ReadonlySet<string> {
  const statuses = pods.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  return new Set(statuses.map(({ imageID }) => imageID));
}
