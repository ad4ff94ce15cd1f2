import { formatQuantity, type Quantity } from '@sluice/expr';
import type { KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { parseListParameters } from '../http/query.ts';
import { json } from '../http/respond.ts';
import { methodNotAllowed, notFound } from '../http/status-error.ts';
import type { Api, ResourceRequest } from './api.ts';
import { parseSelection } from './selection.ts';

/** What something used in the time that ends now. */
export type ResourceUsage = { readonly cpuNanocores: number; readonly memoryBytes: number };

/** What the containers of a running pod use. */
export type PodUsage = {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly (ResourceUsage & { readonly name: string })[];
};

/** Where the figures of `kubectl top` come from: whoever runs the pods. */
export type UsageReader = {
  /** The time that the figures are averages of, milliseconds. */
  readonly windowMs: number;
  pods(): Promise<readonly PodUsage[]>;
  /** Usage of the one node, by its name. */
  nodes(): Promise<ReadonlyMap<string, ResourceUsage>>;
};

/** GET of NodeMetrics and PodMetrics of metrics.k8s.io: never stored, made when they are asked for. */
export async function usageRequest(api: Api, request: ResourceRequest, reader: UsageReader): Promise<HttpResponse> {
  const { http, kind, path, query } = request;
  if (http.method !== 'GET' && http.method !== 'HEAD') throw methodNotAllowed();
  const all = kind.plural === 'nodes' ? await nodeMetrics(api, reader) : await podMetrics(api, reader);
  const inScope = all.filter(({ metadata }) => path.namespace === '' || metadata.namespace === path.namespace);
  if (path.name !== '') {
    const found = inScope.find(({ metadata }) => metadata.name === path.name);
    if (!found) throw notFound(kind, path.name);
    return json(200, found);
  }
  const selection = parseSelection(kind, parseListParameters(query));
  const items = inScope.filter((item) => selection.matches(item));
  return json(200, { kind: kind.listKind, apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items });
}

async function nodeMetrics(api: Api, reader: UsageReader): Promise<readonly KubeObject[]> {
  const usage = await reader.nodes();
  return [...usage].map(([name, used]) => {
    const node = api.objects.collection('nodes').get(name)?.object;
    return measured(api, reader, 'NodeMetrics', { name, labels: node?.metadata.labels }, { usage: quantities(used) });
  });
}

async function podMetrics(api: Api, reader: UsageReader): Promise<readonly KubeObject[]> {
  const usage = await reader.pods();
  return usage.flatMap(({ namespace, name, containers }) => {
    const pod = api.objects.collection('pods').get(`${namespace}/${name}`)?.object;
    if (!pod) return [];
    const parts = containers.map((one) => ({ name: one.name, usage: quantities(one) }));
    return measured(api, reader, 'PodMetrics', { name, namespace, labels: pod.metadata.labels }, { containers: parts });
  });
}

function measured(api: Api, reader: UsageReader, kind: string, metadata: object, content: object): KubeObject {
  const timestamp = `${new Date(api.now()).toISOString().slice(0, 19)}Z`;
  const base = { kind, apiVersion: 'metrics.k8s.io/v1beta1', metadata: { ...metadata, creationTimestamp: timestamp } };
  return { ...base, timestamp, window: `${reader.windowMs / 1_000}s`, ...content } as unknown as KubeObject;
}

function quantities({ cpuNanocores, memoryBytes }: ResourceUsage): object {
  const cpu: Quantity = { unscaled: BigInt(Math.round(cpuNanocores)), scale: 9, format: 'DecimalSI' };
  const memory: Quantity = { unscaled: BigInt(Math.ceil(memoryBytes / 1_024) * 1_024), scale: 0, format: 'BinarySI' };
  return { cpu: formatQuantity(cpu), memory: formatQuantity(memory) };
}
