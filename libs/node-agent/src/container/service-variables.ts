import type { KubeObject } from '@sluice/model';

/** A Service as the agent reads it. */
export type Service = KubeObject<{
  readonly type?: string;
  readonly clusterIP?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol?: string;
    readonly nodePort?: number;
    readonly targetPort?: number | string;
  }[];
}>;

/** True for a Service that has an address of its own. */
export function hasClusterIp(service: Service): boolean {
  const ip = service.spec?.clusterIP;
  return ip !== undefined && ip !== '' && ip !== 'None' && service.spec?.type !== 'ExternalName';
}

/**
 * `HELLO_SERVICE_HOST`, `HELLO_SERVICE_PORT` and the older `HELLO_PORT_…` family for every Service of the namespace, and
 * for `kubernetes` of the namespace `default`. With `links` false only for the latter.
 */
export function serviceVariables(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const service of services) {
    const master = service.metadata.namespace === 'default' && service.metadata.name === 'kubernetes';
    if (!hasClusterIp(service)) continue;
    if (master || (links && service.metadata.namespace === namespace)) Object.assign(result, variablesOf(service));
  }
  return result;
}

function variablesOf(service: Service): Record<string, string> {
  const name = service.metadata.name.toUpperCase().replaceAll('-', '_');
  const ip = service.spec?.clusterIP ?? '';
  const ports = service.spec?.ports ?? [];
  const first = ports[0];
  const result: Record<string, string> = { [`${name}_SERVICE_HOST`]: ip };
  if (first) {
    const url = `${(first.protocol ?? 'TCP').toLowerCase()}://${ip}:${first.port}`;
    Object.assign(result, { [`${name}_SERVICE_PORT`]: String(first.port), [`${name}_PORT`]: url });
  }
  for (const { name: portName, port, protocol = 'TCP' } of ports) {
    if (portName) result[`${name}_SERVICE_PORT_${portName.toUpperCase().replaceAll('-', '_')}`] = String(port);
    const prefix = `${name}_PORT_${port}_${protocol.toUpperCase()}`;
    result[prefix] = `${protocol.toLowerCase()}://${ip}:${port}`;
    result[`${prefix}_PROTO`] = protocol.toLowerCase();
    result[`${prefix}_PORT`] = String(port);
    result[`${prefix}_ADDR`] = ip;
  }
  return result;
}
