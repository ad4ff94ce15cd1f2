import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasClusterIp, type Service } from '../container/service-variables.ts';
import type { Pod } from '../pod/pod-spec.ts';
import { type EndpointSlice, serviceNameLabel } from '../proxy/endpoint-table.ts';
import type { KubeObject } from '@sluice/model';

/**
 * One /etc/hosts for each namespace, with the names of its Services and the full names of all others, so that pods find
 * Services and, behind headless ones, each other by name without a DNS server. A file is rewritten in place when Services change: running pods see it.
 */
export class HostsFiles {
  readonly #directory: string;
  readonly #named: () => Named;
  readonly #written = new Map<string, string>();

  constructor(directory: string, named: () => Named) {
    this.#directory = directory;
    this.#named = named;
    mkdirSync(directory, { recursive: true });
  }

  /** The file for a pod. One with hostAliases has its own, which stays as it was when the pod began. */
  pathFor(pod: Pod, podDirectory: string): string {
    const namespace = pod.metadata.namespace ?? 'default';
    const aliases = pod.spec?.hostAliases ?? [];
    if (aliases.length > 0) {
      const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
      const path = join(podDirectory, 'hosts');
      writeFileSync(path, hostsText(this.#named(), namespace) + lines.join(''));
      return path;
    }
    if (!this.#written.has(namespace)) this.#write(namespace);
    return join(this.#directory, namespace);
  }

  /** Services, or the pods of headless ones, have changed. */
  refresh(): void {
    for (const namespace of this.#written.keys()) this.#write(namespace);
  }

  #write(namespace: string): void {
    const text = hostsText(this.#named(), namespace);
    if (this.#written.get(namespace) === text) return;
    this.#written.set(namespace, text);
    writeFileSync(join(this.#directory, namespace), text);
  }
}

/** The Services of a cluster, and the slices of those that have no address of their own. */
export type Named = { readonly services: readonly Service[]; readonly slices: readonly EndpointSlice[] };

/**
 * The lines for the host itself, for each Service with an address, and for each ready pod of a headless one: under the name of
 * the Service and, where the pod has a host name there, under its own. Pure.
 */
export function hostsText({ services, slices }: Named, namespace: string): string {
  const lines = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'];
  for (const service of services) {
    if (!hasClusterIp(service)) continue;
    lines.push(`${service.spec?.clusterIP ?? ''}\t${namesOf(service.metadata.name, service, namespace).join('\t')}`);
  }
  for (const slice of slices) {
    const service = slice.metadata.labels?.[serviceNameLabel] ?? '';
    for (const { addresses, hostname, conditions } of slice.endpoints ?? []) {
      if (!(conditions?.ready ?? true)) continue;
      const names = namesOf(service, slice, namespace);
      const own = hostname ? namesOf(`${hostname}.${service}`, slice, namespace) : [];
      for (const ip of addresses) lines.push(`${ip}\t${[...own, ...names].join('\t')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function namesOf(name: string, { metadata }: KubeObject, namespace: string): readonly string[] {
  const { namespace: own = 'default' } = metadata;
  const full = [`${name}.${own}.svc.cluster.local`, `${name}.${own}.svc`, `${name}.${own}`];
  return own === namespace ? [...full, name] : full;
}
