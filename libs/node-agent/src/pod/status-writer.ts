import { type ObjectKey, resources } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import type { PodStatus } from './pod-spec.ts';

export type StatusWriterOptions = {
  readonly kube: KubeApi;
  readonly key: ObjectKey;
  readonly uid: string;
  readonly log: Log;
};

const firstRetryMs = 100;
const maxRetryMs = 5_000;

/** Writes the latest status of one pod: one write at a time, changes in between become one. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #stop = new AbortController();
  #wanted: PodStatus | undefined;
  #wantedText = '';
  #writtenText = '';
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #writing: Promise<void> | undefined;
  #gone = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Have this written within `delayMs`. The same status again costs nothing. */
  set(status: PodStatus, delayMs: number): void {
    const text = JSON.stringify(status);
    if (text === this.#wantedText || this.#gone) return;
    this.#wanted = status;
    this.#wantedText = text;
    const dueAt = performance.now() + delayMs;
    if (dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    clearTimeout(this.#timer);
    if (delayMs <= 0) this.#begin();
    else this.#timer = setTimeout(() => this.#begin(), delayMs);
  }

  /** Resolves once the latest status is written, or can never be. */
  async flush(): Promise<void> {
    if (!this.#gone && this.#wantedText !== this.#writtenText) this.#begin();
    await this.#writing;
  }

  /** Write nothing more. */
  close(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
    this.#stop.abort();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    let retryMs = firstRetryMs;
    while (!this.#gone && this.#wantedText !== this.#writtenText) {
      const text = this.#wantedText;
      const status = this.#wanted;
      try {
        await this.#send(status);
        this.#writtenText = text;
        retryMs = firstRetryMs;
      } catch (error) {
        if (isKubeError(error, 'NotFound', 'Invalid') || this.#gone) {
          if (!this.#gone) this.#options.log.warn('pod status refused', { ...this.#options.key, error });
          this.#gone = true;
          return;
        }
        this.#options.log.debug('pod status not written', { ...this.#options.key, error });
        await sleep(retryMs, this.#stop.signal);
        retryMs = Math.min(maxRetryMs, retryMs * 2);
      }
    }
  }

  async #send(status: PodStatus | undefined): Promise<void> {
    const { kube, key, uid } = this.#options;
    const body = { metadata: { uid }, status };
    const { signal } = this.#stop;
    await kube.patch(resources.pods, key, { type: 'merge', body }, { subresource: 'status', signal });
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onAbort = (): void => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', onAbort));
}
