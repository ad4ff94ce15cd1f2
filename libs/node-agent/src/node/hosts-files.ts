import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasClusterIp, type Service } from '../container/service-variables.ts';
import type { Pod } from '../pod/pod-spec.ts';

/**
 * One /etc/hosts for each namespace, with the names of its Services and the full names of all others, so that pods find
 * Services by name without a DNS server. A file is rewritten in place when Services change: running pods see it.
 */
export class HostsFiles {
  readonly #directory: string;
  readonly #services: () => readonly Service[];
  readonly #written = new Map<string, string>();

  constructor(directory: string, services: () => readonly Service[]) {
    this.#directory = directory;
    this.#services = services;
    mkdirSync(directory, { recursive: true });
  }

  /** The file for a pod. One with hostAliases has its own, which stays as it was when the pod began. */
  pathFor(pod: Pod, podDirectory: string): string {
    const namespace = pod.metadata.namespace ?? 'default';
    const aliases = pod.spec?.hostAliases ?? [];
    if (aliases.length > 0) {
      const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
      const path = join(podDirectory, 'hosts');
      writeFileSync(path, hostsText(this.#services(), namespace) + lines.join(''));
      return path;
    }
    if (!this.#written.has(namespace)) this.#write(namespace);
    return join(this.#directory, namespace);
  }

  /** Services have changed. */
  refresh(): void {
    for (const namespace of this.#written.keys()) this.#write(namespace);
  }

  #write(namespace: string): void {
    const text = hostsText(this.#services(), namespace);
    if (this.#written.get(namespace) === text) return;
    this.#written.set(namespace, text);
    writeFileSync(join(this.#directory, namespace), text);
  }
}

/** The lines for the host itself and for each Service with an address. Pure. */
export function hostsText(services: readonly Service[], namespace: string): string {
  const lines = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'];
  for (const service of services) {
    if (!hasClusterIp(service)) continue;
    const { name, namespace: own = 'default' } = service.metadata;
    const names = [`${name}.${own}.svc.cluster.local`, `${name}.${own}.svc`, `${name}.${own}`];
    if (own === namespace) names.push(name);
    lines.push(`${service.spec?.clusterIP ?? ''}\t${names.join('\t')}`);
  }
  return `${lines.join('\n')}\n`;
}
