import { createHash } from 'node:crypto';
import type { KubeObject, ObjectKey } from '@sluice/model';
import { resources } from '@sluice/model';
import type { Log } from '@sluice/runtime';
import { isKubeError, type KubeApi } from './kube-api.ts';

/** Tells people about an object by core v1 Events. Never throws and never waits: events are news, not state. */
export type EventRecorder = {
  /**
   * `reason` is UpperCamelCase and stable. Repeats of one (object, reason, message) become a count; the event keeps the
   * annotations of the latest.
   */
  event(
    object: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    annotations?: Readonly<Record<string, string>>,
  ): void;
  /** Resolves once what was recorded so far is written or dropped. */
  flush(): Promise<void>;
};

export type EventRecorderOptions = {
  readonly kube: KubeApi;
  /** Shown as the event's source. */
  readonly component: string;
  readonly log: Log;
  readonly now?: () => number;
  /** Events that may wait to be written; more are dropped. Default 1000. */
  readonly maxPending?: number;
};

type Series = { readonly key: ObjectKey; count: number };
type Bucket = { tokens: number; atMs: number };

/** Different messages of one (object, type, reason) within a time; more are told as one event that counts. */
type Group = { readonly messages: Set<string>; sinceMs: number };

const maxSimilar = 10;
const similarMs = 600_000;
const maxSeries = 4_096;
const burst = 25;
const refillMs = 300_000;
const maxMessage = 1_024;

/** A recorder that writes in the background, one request at a time. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new BackgroundRecorder(options);
}

class BackgroundRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #now: () => number;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #groups = new Map<string, Group>();
  #pending = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  event(...[object, type, reason, message, annotations]: Parameters<EventRecorder['event']>): void {
    const full = this.#pending >= (this.#options.maxPending ?? 1_000);
    if (full || !this.#takeToken(object.metadata.uid ?? object.metadata.name)) {
      this.#options.log.debug('event dropped', { reason, name: object.metadata.name, full });
      return;
    }
    this.#pending++;
    const at = new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const text = message.length > maxMessage ? `${message.slice(0, maxMessage - 1)}…` : message;
    const similar = this.#isOneOfMany(object, type, reason, text);
    this.#tail = this.#tail.then(async () => {
      try {
        await this.#write(object, { type, reason, message: text, at, annotations, ...similar });
      } catch (error) {
        this.#options.log.warn('event not written', { reason, name: object.metadata.name, error });
      } finally {
        this.#pending--;
      }
    });
  }

  async flush(): Promise<void> {
    await this.#tail;
  }

  async #write(object: KubeObject, facts: Occurrence): Promise<void> {
    const { type, reason, at, combined, annotations } = facts;
    const message = combined ? `(combined from similar events): ${facts.message}` : facts.message;
    const same = combined ? '' : message;
    const id = JSON.stringify([object.kind, object.metadata.uid, object.metadata.name, type, reason, combined, same]);
    const signal = AbortSignal.timeout(10_000);
    const before = this.#series.get(id);
    if (before) {
      const metadata = annotations ? { metadata: { annotations } } : {};
      const body = { ...metadata, count: before.count + 1, lastTimestamp: at, ...(combined && { message }) };
      try {
        await this.#options.kube.patch(resources.events, before.key, { type: 'merge', body }, { signal });
        before.count++;
        return;
      } catch (error) {
        if (!isKubeError(error, 'NotFound')) throw error;
        this.#series.delete(id);
      }
    }
    const event = buildEvent(object, { type, reason, message, at, annotations, component: this.#options.component });
    await this.#options.kube.create(resources.events, event, { signal });
    remember(this.#series, id, { key: { namespace: event.metadata.namespace, name: event.metadata.name }, count: 1 });
  }

  /** True once ten different messages were told for one reason within ten minutes. */
  #isOneOfMany(object: KubeObject, type: string, reason: string, message: string): { readonly combined: boolean } {
    const id = JSON.stringify([object.kind, object.metadata.uid, object.metadata.name, type, reason]);
    const nowMs = this.#now();
    let group = this.#groups.get(id);
    if (!group || nowMs - group.sinceMs > similarMs) group = { messages: new Set(), sinceMs: nowMs };
    group.sinceMs = nowMs;
    this.#groups.delete(id);
    remember(this.#groups, id, group);
    if (group.messages.has(message)) return { combined: false };
    if (group.messages.size >= maxSimilar) return { combined: true };
    group.messages.add(message);
    return { combined: false };
  }

  /** 25 events an object at once, then one each five minutes. */
  #takeToken(uid: string): boolean {
    const atMs = this.#now();
    const bucket = this.#buckets.get(uid) ?? { tokens: burst, atMs };
    bucket.tokens = Math.min(burst, bucket.tokens + (atMs - bucket.atMs) / refillMs);
    bucket.atMs = atMs;
    this.#buckets.delete(uid);
    remember(this.#buckets, uid, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size <= maxSeries) return;
  const oldest = map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
}

type Occurrence = {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly at: string;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly combined: boolean;
};

type EventFacts = Omit<Occurrence, 'combined'> & { readonly component: string };

/** The Event object for a first occurrence. Events about cluster-scoped objects live in `default`. */
function buildEvent(object: KubeObject, { type, reason, message, at, component, annotations }: EventFacts) {
  const { name, namespace = 'default', uid, resourceVersion } = object.metadata;
  const suffix = createHash('sha256').update([uid, type, reason, message, at].join('|')).digest('hex').slice(0, 16);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 230)}.${suffix}`, namespace, ...(annotations && { annotations }) },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      ...(object.metadata.namespace && { namespace: object.metadata.namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
    type,
    reason,
    message,
    source: { component },
    reportingComponent: component,
    reportingInstance: component,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
