import type { KubeObject, Resource } from '@sluice/model';
import { exponentialDelayMs, jittered, pause } from './backoff.ts';
import { KubeApiError, type KubeApi, type WatchEvent } from './kube-api.ts';

/** What a reflector keeps in step with the server. */
export type ReflectorSink<T extends KubeObject> = {
  /** These are all the objects there are. */
  replace(objects: Iterable<T>): void;
  /** One object changed or went. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
};

export type ReflectorOptions = {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects without spec and status. */
  readonly metadataOnly?: boolean;
  /** Objects a list request asks for. Default 500. */
  readonly pageSize?: number;
  /** `list` (default): list in pages, then watch. `stream`: one watch with initial events, falling back to `list`. */
  readonly initial?: 'list' | 'stream';
  /** Longest backoff after a failure, 30 s by default. */
  readonly maxBackoffMs?: number;
  readonly random?: () => number;
  /** Told about every failure; the reflector goes on regardless. */
  readonly onError?: (error: unknown) => void;
};

const baseBackoffMs = 500;
const failuresUntilRelist = 6;
/** Silence after which a connection that has carried bookmarks, sent each minute, counts as dead. */
const bookmarkSilenceMs = 180_000;
const timeoutGraceMs = 15_000;
/** A watch that lasted this long shows that the server is well again. */
const calmMs = 60_000;
const initialEventsMs = 10_000;

type Ended = 'closed' | 'dead' | 'gone' | 'refused';

/** Lists and watches one kind for ever, whatever fails, until the signal fires. */
export class Reflector<T extends KubeObject> {
  readonly #kube: KubeApi;
  readonly #options: ReflectorOptions;
  readonly #sink: ReflectorSink<T>;
  readonly #random: () => number;
  /** Opaque; undefined when a list is needed. */
  #version: string | undefined;
  #stream: boolean;
  #failures = 0;
  /** The server forgot a list between two of its pages: ask for it in one piece next time. */
  #whole = false;
  #paging = false;
  /** Watches in a row that ended at once without an event. */
  #shortWatches = 0;

  constructor(kube: KubeApi, options: ReflectorOptions, sink: ReflectorSink<T>) {
    this.#kube = kube;
    this.#options = options;
    this.#sink = sink;
    this.#random = options.random ?? Math.random;
    this.#stream = options.initial === 'stream';
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === undefined && !this.#stream) await this.#list(signal);
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onError?.(error);
        this.#failures++;
        this.#whole ||= this.#paging && isGone(error);
        this.#paging = false;
        if (isGone(error) || this.#failures % failuresUntilRelist === 0) this.#version = undefined;
        const delayMs = exponentialDelayMs(this.#failures, baseBackoffMs, this.#options.maxBackoffMs ?? 30_000);
        const askedMs = error instanceof KubeApiError ? (error.retryAfterMs ?? 0) : 0;
        const firstGone = isGone(error) && this.#failures === 1;
        await pause(firstGone ? askedMs : Math.max(askedMs, jittered(delayMs, this.#random)), signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { resource, pageSize = 500 } = this.#options;
    const scope = { ...scopeOf(this.#options), signal, ...(!this.#whole && { limit: pageSize }) };
    const objects: T[] = [];
    let token: string | undefined;
    let version: string;
    do {
      this.#paging = token !== undefined;
      const page = await this.#kube.list<T>(resource, { ...scope, ...(token && { continue: token }) });
      for (const object of page.items) objects.push(object);
      version = page.resourceVersion;
      token = page.continue;
    } while (token && !signal.aborted);
    if (signal.aborted) return;
    this.#whole = this.#paging = false;
    this.#sink.replace(objects);
    this.#version = version;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    const ended = await this.#watch(signal);
    if (signal.aborted) return;
    if (ended === 'gone') throw new KubeApiError(410, 'Expired', 'the watch window is gone: listing again');
    if (ended === 'refused') {
      this.#stream = false;
      return;
    }
    if (ended === 'dead')
      throw new Error(`watch of ${this.#options.resource.plural}: nothing heard, connection given up`);
    const lastedMs = performance.now() - startedMs;
    if (lastedMs > calmMs) this.#failures = 0;
    if (lastedMs >= 1_000) return;
    // A server that ends every watch at once gets the same growing waits as one that fails.
    const waitMs = exponentialDelayMs(++this.#shortWatches, baseBackoffMs, this.#options.maxBackoffMs ?? 30_000);
    await pause(jittered(waitMs, this.#random), signal);
  }

  async #watch(signal: AbortSignal): Promise<Ended> {
    // Not AbortSignal.any: a watch leaves nothing behind on the signal that lives as long as the process.
    const cut = new AbortController();
    const stop = (): void => cut.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const timeoutSeconds = Math.round(300 + 300 * this.#random());
    const initial = this.#version === undefined ? new Map<string, T>() : undefined;
    const silence = new SilenceTimer(() => cut.abort());
    silence.arm(initial ? initialEventsMs : timeoutSeconds * 1_000 + timeoutGraceMs);
    const { resource } = this.#options;
    const options = {
      ...scopeOf(this.#options),
      ...(this.#version === undefined ? { sendInitialEvents: true } : { resourceVersion: this.#version }),
      timeoutSeconds,
      signal: cut.signal,
    };
    try {
      for await (const event of this.#kube.watch<T>(resource, options)) {
        if (signal.aborted) return 'closed';
        this.#shortWatches = 0;
        silence.heard(event.type === 'BOOKMARK');
        if (initial && this.#version === undefined) this.#collect(initial, event, silence, timeoutSeconds);
        else this.#take(event);
      }
      if (this.#version === undefined) return 'refused';
      return cut.signal.aborted ? 'dead' : 'closed';
    } catch (error) {
      if (cut.signal.aborted && !signal.aborted) return this.#version === undefined ? 'refused' : 'dead';
      if (isGone(error)) return 'gone';
      if (this.#version === undefined && isRefusal(error)) return 'refused';
      throw error;
    } finally {
      silence.clear();
      signal.removeEventListener('abort', stop);
    }
  }

  #collect(initial: Map<string, T>, event: WatchEvent<T>, silence: SilenceTimer, timeoutSeconds: number): void {
    if (event.type !== 'BOOKMARK') {
      const id = `${event.object.metadata.namespace ?? ''}/${event.object.metadata.name}`;
      if (event.type === 'DELETED') initial.delete(id);
      else initial.set(id, event.object);
      return silence.arm(initialEventsMs);
    }
    if (!event.initialEventsEnd) return;
    this.#sink.replace(initial.values());
    this.#version = event.resourceVersion;
    this.#failures = 0;
    initial.clear();
    silence.arm(timeoutSeconds * 1_000 + timeoutGraceMs);
  }

  #take(event: WatchEvent<T>): void {
    this.#failures = 0;
    if (event.type === 'BOOKMARK') {
      if (event.resourceVersion) this.#version = event.resourceVersion;
      return;
    }
    this.#sink.apply(event.type, event.object);
    this.#version = event.object.metadata.resourceVersion ?? this.#version;
  }
}

function scopeOf({ namespace, labelSelector, fieldSelector, metadataOnly }: ReflectorOptions) {
  return {
    ...(namespace !== undefined && { namespace }),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(metadataOnly && { metadataOnly }),
  };
}

function isGone(error: unknown): boolean {
  return error instanceof KubeApiError && (error.code === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

/** The server does not offer initial events. */
function isRefusal(error: unknown): boolean {
  return error instanceof KubeApiError && [400, 404, 405, 415, 422, 501].includes(error.code);
}

/** Fires when nothing was heard for a time; the time shortens once the peer has shown that it sends bookmarks. */
class SilenceTimer {
  readonly #fire: () => void;
  #timer: NodeJS.Timeout | undefined;
  #bookmarks = false;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  /** Begin anew: fire after this time. */
  arm(delayMs: number): void {
    this.#bookmarks = false;
    this.#set(delayMs);
  }

  heard(bookmark: boolean): void {
    this.#bookmarks ||= bookmark;
    if (this.#bookmarks) this.#set(bookmarkSilenceMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #set(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#fire, delayMs);
    this.#timer.unref();
  }
}
