import type { Registry } from '@sluice/registry';
import type { Log, Running } from '@sluice/runtime';

/** After the start, when everything that begins with it is done. */
const firstMs = 10 * 60_000;
const everyMs = 6 * 60 * 60_000;

/**
 * Remove blobs that no manifest of the registry names any more, now and then. Manifests stay until somebody deletes them: a
 * release that nobody runs now may be rolled back to.
 */
export function startRegistryCleaning(registry: Pick<Registry, 'collectGarbage'>, log: Log): Running {
  let closed = false;
  let running: Promise<void> = Promise.resolve();
  let timer = setTimeout(look, firstMs).unref();
  function look(): void {
    running = clean().finally(() => {
      if (!closed) timer = setTimeout(look, everyMs).unref();
    });
  }
  async function clean(): Promise<void> {
    try {
      const { blobs, bytes } = await registry.collectGarbage();
      if (blobs > 0) log.info('registry cleaned', { blobs, bytes });
    } catch (error) {
      log.warn('registry not cleaned', { error });
    }
  }
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
