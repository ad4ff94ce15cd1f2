import type { HttpResponse } from '@sluice/runtime';
import { type ListParameters, parseListParameters } from '../http/query.ts';
import { badRequest, expired, statusObject, StatusError } from '../http/status-error.ts';
import { groupVersionOf } from '../kinds/kind.ts';
import { textOf } from '../objects/conversion.ts';
import { type Change, type Entry, toEntry } from '../objects/entry.ts';
import { storageId } from '../registry/kind-registry.ts';
import type { Api, ResourceRequest } from './api.ts';
import { EventQueue, type MakeLine } from './event-queue.ts';
import { tableOf, partial, type View } from './output.ts';
import { parseVersion, viewOf } from './read.ts';
import { parseSelection, type Selection } from './selection.ts';

/** How often a quiet watch hears a bookmark. */
const bookmarkIntervalMs = 60_000;
/** How long a watch lasts when the client does not say. */
const defaultTimeoutSeconds = 1_800;

/** GET with `watch=true`: one JSON line an event until the client goes, the time is up or the history is gone. */
export function watchObjects(api: Api, request: ResourceRequest): HttpResponse {
  const parameters = parseListParameters(request.query);
  checkInitialEvents(parameters);
  const selection = parseSelection(request.kind, parameters);
  const stream = new WatchStream(api, request, parameters, selection);
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private' },
    body: stream.open(request.http.signal),
  };
}

function checkInitialEvents({ sendInitialEvents, resourceVersionMatch }: ListParameters): void {
  const refuse = (message: string): never => {
    throw new StatusError(422, 'Invalid', `ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: ${message}`, {
      group: 'meta.k8s.io',
      kind: 'ListOptions',
      causes: [{ reason: 'FieldValueForbidden', message, field: 'resourceVersionMatch' }],
    });
  };
  if (sendInitialEvents === undefined && resourceVersionMatch !== '') {
    refuse('Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  }
  if (sendInitialEvents !== undefined && resourceVersionMatch !== 'NotOlderThan') {
    refuse('Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
}

type EventType = Change['type'];

class WatchStream {
  readonly #api: Api;
  readonly #parameters: ListParameters;
  readonly #selection: Selection;
  readonly #view: View;
  readonly #prefix: string;
  readonly #queue = new EventQueue(() => this.#release());
  readonly #releases: (() => void)[] = [];
  #columnsSent = false;

  constructor(api: Api, request: ResourceRequest, parameters: ListParameters, selection: Selection) {
    this.#api = api;
    this.#parameters = parameters;
    this.#selection = selection;
    this.#view = { ...viewOf(api, request), includeObject: parameters.includeObject };
    const { namespace, name } = request.path;
    this.#prefix = namespace === '' ? '' : `${namespace}/`;
    if (name !== '') throw badRequest('a watch of one object is asked for with fieldSelector=metadata.name=NAME');
  }

  /** Subscribes at once, so that nothing between the call and the first read is missed. */
  open(signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
    const { objects } = this.#api;
    const collection = objects.collection(storageId(this.#view.kind));
    const { resourceVersion, sendInitialEvents, allowWatchBookmarks } = this.#parameters;
    const from = parseVersion(resourceVersion);
    if (sendInitialEvents ?? from === 0) {
      for (const entry of collection.list(this.#prefix)) {
        if (this.#selection.matches(entry.object)) this.#queue.pushBacklog(this.#lineOf('ADDED', entry, undefined));
      }
      const bookmark = sendInitialEvents && allowWatchBookmarks ? this.#bookmark(true) : undefined;
      if (bookmark) this.#queue.pushBacklog(() => bookmark);
    } else if (from > 0) {
      const missed = collection.since(from);
      if (!missed) return this.#refuse(from, objects.version);
      for (const change of missed) this.#take(change, (make) => this.#queue.pushBacklog(make));
    }
    const live = collection.listen((change) => this.#take(change, (make) => this.#pushLive(change, make)));
    this.#releases.push(live, ...this.#clocks(from), ...this.#ends(signal));
    return this.#run();
  }

  /** Lines are made at once, so that what waits can be counted, unless a webhook has to be asked. */
  #pushLive({ entry }: Change, make: MakeLine): void {
    const made = this.#view.kind.conversion ? undefined : make();
    if (made instanceof Uint8Array) this.#queue.push(made);
    else this.#queue.pushLater(make, entry.text.length);
  }

  async *#run(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#queue.drain();
    } finally {
      this.#release();
    }
  }

  /** The end of the watch's time, and its bookmarks. */
  #clocks(from: number): (() => void)[] {
    const seconds = this.#parameters.timeoutSeconds ?? defaultTimeoutSeconds * (1 + Math.random());
    const end = setTimeout(() => this.#finish(), Math.min(seconds * 1_000, 2_000_000_000)).unref();
    const stop = (): void => clearTimeout(end);
    if (!this.#parameters.allowWatchBookmarks) return [stop];
    const beat = setInterval(() => {
      if (this.#api.objects.version >= from) this.#queue.push(this.#bookmark(false));
    }, bookmarkIntervalMs).unref();
    return [stop, () => clearInterval(beat)];
  }

  /** What ends the watch from outside: its client has gone, its kind, or the server. */
  #ends(signal: AbortSignal | undefined): (() => void)[] {
    const finish = (): void => this.#finish();
    const forget = this.#api.watches.add(storageId(this.#view.kind), finish);
    if (signal?.aborted) this.#queue.end();
    signal?.addEventListener('abort', finish, { once: true });
    return [forget, () => signal?.removeEventListener('abort', finish)];
  }

  #finish(): void {
    this.#queue.end();
    this.#release();
  }

  /** Also without a reader: a body that is never read is never closed. */
  #release(): void {
    for (const release of this.#releases.splice(0)) release();
  }

  async *#refuse(from: number, current: number): AsyncGenerator<Uint8Array> {
    const object = statusObject(expired(`too old resource version: ${from} (${current})`));
    yield Buffer.from(`${JSON.stringify({ type: 'ERROR', object })}\n`);
  }

  /** Translate a change for this watch: an object that enters or leaves the selection is added or deleted. */
  #take(change: Change, push: (make: MakeLine) => void): void {
    if (this.#prefix !== '' && !change.entry.key.startsWith(this.#prefix)) return;
    const { everything, matches } = this.#selection;
    const before = everything
      ? change.type !== 'ADDED'
      : change.previous !== undefined && matches(change.previous.object);
    const after = change.type !== 'DELETED' && (everything || matches(change.entry.object));
    if (!before && !after) return;
    if (after) return push(this.#lineOf(before ? 'MODIFIED' : 'ADDED', change.entry, change));
    if (change.type === 'DELETED' || !change.previous) return push(this.#lineOf('DELETED', change.entry, change));
    // It left by a change: shown as it was, under the version of the change.
    const { key, object } = change.previous;
    push(this.#lineOf('DELETED', toEntry(key, object, change.entry.version), undefined));
  }

  /** Makes the line of an event; called in the order of the events, because the first Table has the columns. */
  #lineOf(type: EventType, entry: Entry, change: Change | undefined): MakeLine {
    const make = this.#plainLineOf(type, entry, change);
    return this.#view.kind.conversion ? () => this.#convertedLine(entry, make) : make;
  }

  /** A line behind a webhook; its failure is the watch's last line. */
  async #convertedLine(entry: Entry, make: () => Uint8Array): Promise<Uint8Array> {
    try {
      await this.#api.conversions.ready([entry.object], this.#view.kind);
      return make();
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#finish();
      return encodeLine('ERROR', JSON.stringify(statusObject(error)));
    }
  }

  #plainLineOf(type: EventType, entry: Entry, change: Change | undefined): () => Uint8Array {
    const { kind, representation } = this.#view;
    if (representation.as === 'object') {
      const make = (): Uint8Array => encodeLine(type, textOf(entry, kind));
      return change ? () => this.#api.watches.line(change, `${type} ${groupVersionOf(kind)}`, make) : make;
    }
    if (representation.as === 'metadata') {
      return () => encodeLine(type, JSON.stringify(partial(entry.object, representation.version)));
    }
    const withColumns = !this.#columnsSent;
    this.#columnsSent = true;
    const meta = { resourceVersion: String(entry.version) };
    return () =>
      encodeLine(type, JSON.stringify(tableOf([entry], { ...this.#view, now: this.#api.now() }, meta, withColumns)));
  }

  #bookmark(initialEventsEnd: boolean): Uint8Array {
    const { kind, representation } = this.#view;
    const annotations = initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    const metadata = { resourceVersion: String(this.#api.objects.version), creationTimestamp: null, ...annotations };
    const object = { kind: kind.kind, apiVersion: groupVersionOf(kind), metadata };
    if (representation.as === 'object') return encodeLine('BOOKMARK', JSON.stringify(object));
    const version = `meta.k8s.io/${representation.version}`;
    if (representation.as === 'metadata') {
      return encodeLine('BOOKMARK', JSON.stringify({ ...object, kind: 'PartialObjectMetadata', apiVersion: version }));
    }
    const rows = [{ cells: [], object: { ...object, kind: 'PartialObjectMetadata', apiVersion: version } }];
    const list = { resourceVersion: metadata.resourceVersion };
    return encodeLine(
      'BOOKMARK',
      JSON.stringify({ kind: 'Table', apiVersion: version, metadata: list, columnDefinitions: null, rows }),
    );
  }
}

function encodeLine(type: string, objectText: string): Uint8Array {
  return Buffer.from(`{"type":"${type}","object":${objectText}}\n`);
}
