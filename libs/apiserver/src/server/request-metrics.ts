import type { HttpRequest } from '@sluice/runtime';
import { attributesOf } from './request-attributes.ts';

/** What the server knows of itself when the metrics are read. */
export type ServerReading = {
  readonly inFlight: number;
  readonly watches: number;
  /** Objects by storage id. */
  readonly objects: ReadonlyMap<string, number>;
};

const bucketsSeconds = [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** More combinations of labels than this are counted as `other`: names of resources come from clients. */
const maxSeries = 2_000;

type Series = { readonly labels: string; count: number; sum: number; readonly buckets: number[] };

/** Counts requests under the names of Kubernetes' own metrics and writes them as Prometheus text. */
export class RequestMetrics {
  readonly #requests = new Map<string, { readonly labels: string; count: number }>();
  readonly #durations = new Map<string, Series>();
  readonly #startedSeconds: number;

  /** `now` in milliseconds since 1970. */
  constructor(now: number) {
    this.#startedSeconds = now / 1_000;
  }

  /** Count an answered request. Watches have no duration: they are answered when they begin. */
  observe(request: Pick<HttpRequest, 'method' | 'path'>, code: number, seconds: number): void {
    const { verb, path } = attributesOf(request);
    const { group = '', version = '', plural = '', subresource = '' } = path ?? {};
    const scope = !path ? '' : path.name !== '' ? 'resource' : path.namespace !== '' ? 'namespace' : 'cluster';
    const parts = { group, resource: plural, scope, subresource, verb: verb.toUpperCase(), version };
    const labels = this.#labels(parts);
    const key = `${labels},code="${code}"`;
    const counted = this.#requests.get(key) ?? { labels: key, count: 0 };
    counted.count++;
    this.#requests.set(key, counted);
    if (verb !== 'watch') this.#time(labels, seconds);
  }

  #labels(parts: Readonly<Record<string, string>>): string {
    const text = Object.entries(parts)
      .map(([name, value]) => `${name}=${quoted(value)}`)
      .join(',');
    const isKnown = this.#durations.has(text) || this.#requests.size < maxSeries;
    return isKnown ? text : 'group="",resource="other",scope="",subresource="",verb="",version=""';
  }

  #time(labels: string, seconds: number): void {
    let series = this.#durations.get(labels);
    if (!series) {
      series = { labels, count: 0, sum: 0, buckets: bucketsSeconds.map(() => 0) };
      this.#durations.set(labels, series);
    }
    series.count++;
    series.sum += seconds;
    const index = bucketsSeconds.findIndex((limit) => seconds <= limit);
    if (index >= 0) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
  }

  /** All metrics in the text format of Prometheus. */
  text({ inFlight, watches, objects }: ServerReading): string {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return [
      ...family(
        'apiserver_request_total',
        'counter',
        'Requests that were answered.',
        this.#requests.values().map(({ labels, count }) => `{${labels}} ${count}`),
      ),
      ...this.#durationLines(),
      ...family('apiserver_current_inflight_requests', 'gauge', 'Requests that are worked on.', [` ${inFlight}`]),
      ...family('apiserver_longrunning_requests', 'gauge', 'Open watches.', [`{verb="WATCH"} ${watches}`]),
      ...family(
        'apiserver_storage_objects',
        'gauge',
        'Stored objects.',
        objects.entries().map(([resource, count]) => `{resource=${quoted(resource)}} ${count}`),
      ),
      ...family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [` ${rss}`]),
      ...family('nodejs_heap_size_used_bytes', 'gauge', 'Heap in use.', [` ${heapUsed}`]),
      ...family('process_cpu_seconds_total', 'counter', 'CPU time.', [` ${(user + system) / 1e6}`]),
      ...family('process_start_time_seconds', 'gauge', 'When the server started.', [` ${this.#startedSeconds}`]),
      '',
    ].join('\n');
  }

  #durationLines(): readonly string[] {
    const name = 'apiserver_request_duration_seconds';
    const lines = [`# HELP ${name} Time until an answer.`, `# TYPE ${name} histogram`];
    for (const { labels, count, sum, buckets } of this.#durations.values()) {
      let below = 0;
      for (const [index, limit] of bucketsSeconds.entries()) {
        below += buckets[index] ?? 0;
        lines.push(`${name}_bucket{${labels},le="${limit}"} ${below}`);
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
    }
    return lines;
  }
}

function family(name: string, type: string, help: string, samples: Iterable<string>): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...Array.from(samples, (sample) => `${name}${sample}`)];
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
