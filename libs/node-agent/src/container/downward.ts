import { cpus, totalmem } from 'node:os';
import { allContainers, type FieldRef, type Pod, type ResourceFieldRef } from '../pod/pod-spec.ts';
import { quotient } from './quantity.ts';

/** What the downward API tells beyond the Pod object. */
export type NodeFacts = { readonly nodeName: string; readonly hostIp: string; readonly podIp: string };

/** A reference that cannot be answered; the message is for the container's status. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The fields that are offered, by path. */
const fields: Readonly<Record<string, (pod: Pod, node: NodeFacts) => string>> = {
  'metadata.name': ({ metadata }) => metadata.name,
  'metadata.namespace': ({ metadata }) => metadata.namespace ?? '',
  'metadata.uid': ({ metadata }) => metadata.uid ?? '',
  'metadata.labels': ({ metadata }) => mapText(metadata.labels),
  'metadata.annotations': ({ metadata }) => mapText(metadata.annotations),
  'spec.nodeName': (_pod, node) => node.nodeName,
  'spec.serviceAccountName': ({ spec }) => spec?.serviceAccountName ?? 'default',
  'status.hostIP': (_pod, node) => node.hostIp,
  'status.hostIPs': (_pod, node) => node.hostIp,
  'status.podIP': (_pod, node) => node.podIp,
  'status.podIPs': (_pod, node) => node.podIp,
};

/** The value of a fieldRef. */
export function fieldValue(pod: Pod, { fieldPath }: FieldRef, node: NodeFacts): string {
  const entry = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (entry) {
    const map = entry[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[entry[2] ?? ''] ?? '';
  }
  const field = Object.hasOwn(fields, fieldPath) ? fields[fieldPath] : undefined;
  if (field) return field(pod, node);
  throw new ConfigError(`fieldRef: the field ${JSON.stringify(fieldPath)} is not offered by the downward API`);
}

/** The value of a resourceFieldRef: a container's request or limit, by default what the machine has. */
export function resourceValue(pod: Pod, own: string, ref: ResourceFieldRef): string {
  const name = ref.containerName ?? own;
  const container = allContainers(pod.spec ?? { containers: [] }).find((other) => other.name === name);
  if (!container) throw new ConfigError(`resourceFieldRef: the pod has no container ${JSON.stringify(name)}`);
  const [field = '', ...rest] = ref.resource.split('.');
  const resource = rest.join('.');
  if (field !== 'limits' && field !== 'requests') {
    throw new ConfigError(
      `resourceFieldRef: ${JSON.stringify(ref.resource)} begins with neither limits. nor requests.`,
    );
  }
  const machine: Readonly<Record<string, number>> = { cpu: cpus().length, memory: totalmem() };
  const fallback = field === 'limits' ? machine[resource] : 0;
  const quantity = container.resources?.[field]?.[resource] ?? fallback ?? 0;
  const value = quotient(quantity, ref.divisor ?? 1);
  if (value === undefined) throw new ConfigError(`resourceFieldRef: ${ref.resource} is not a quantity`);
  return value;
}

/** `key="value"` a line, sorted, as in files of a downwardAPI volume. */
function mapText(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
