import type { KubeObject } from '@sluice/model';
import { hasClusterIp, type Service } from '../container/service-variables.ts';

/** An EndpointSlice as the proxy reads it. */
export type EndpointSlice = KubeObject & {
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[];
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly hostname?: string;
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  }[];
};

/** Label of the slices of a Service without an address of its own. */
export const headlessLabel = 'service.kubernetes.io/headless';
/** Label that names the Service of an EndpointSlice. */
export const serviceNameLabel = 'kubernetes.io/service-name';

/** An address that the proxy listens on. */
export type Listen = { readonly ip: string; readonly port: number; readonly portName: string };

/** A place to forward to. */
export type Target = { readonly ip: string; readonly port: number };

/** The addresses that a Service is reached at: its cluster IP on each TCP port, and loopback on each node port. Pure. */
export function listensOf(service: Service): readonly Listen[] {
  if (!hasClusterIp(service) || service.metadata.deletionTimestamp) return [];
  const ip = service.spec?.clusterIP ?? '';
  // Anything but a loopback address belongs to another machine's network.
  if (!ip.startsWith('127.')) return [];
  const listens: Listen[] = [];
  for (const { name: portName = '', port, protocol = 'TCP', nodePort } of service.spec?.ports ?? []) {
    if (protocol !== 'TCP') continue;
    listens.push({ ip, port, portName });
    if (nodePort) listens.push({ ip: '127.0.0.1', port: nodePort, portName });
  }
  return listens;
}

/**
 * Where connections to a port of a Service go: ready endpoints; where there is none, those that end but still serve, so
 * that the last pod of a rollout answers to its end. Pure.
 */
export function targetsOf(slices: readonly EndpointSlice[], portName: string): readonly Target[] {
  const ready: Target[] = [];
  const serving: Target[] = [];
  for (const { ports = [], endpoints = [] } of slices) {
    const port = ports.find(({ name = '', protocol = 'TCP' }) => name === portName && protocol === 'TCP')?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions = {} } of endpoints) {
      const targets = addresses.map((ip) => ({ ip, port }));
      if (conditions.ready ?? true) ready.push(...targets);
      else if (conditions.serving && conditions.terminating) serving.push(...targets);
    }
  }
  return ready.length > 0 ? ready : serving;
}

/** Round robin over changing lists: all of them, beginning with the one whose turn it is. */
export function inTurn<T>(items: readonly T[], turn: number): readonly T[] {
  if (items.length === 0) return items;
  const from = turn % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}
