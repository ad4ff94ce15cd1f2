import type { KubeObject } from '@sluice/model';
import type { Container, EnvVar, KeyRef, Pod } from '../pod/pod-spec.ts';
import { ConfigError, fieldValue, type NodeFacts, resourceValue } from './downward.ts';
import { expandReferences } from './expansion.ts';
import { serviceVariables, type Service } from './service-variables.ts';

/** A ConfigMap or Secret as the agent reads it. */
export type KeyedData = KubeObject & {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
};

/** Reads a ConfigMap or Secret of the pod's namespace; undefined when there is none. */
export type ReadKeyed = (kind: 'configMap' | 'secret', name: string) => Promise<KeyedData | undefined>;

export type EnvironmentInput = {
  readonly pod: Pod;
  readonly container: Container;
  readonly node: NodeFacts;
  readonly services: readonly Service[];
  /** PATH, HOME and the like, and what the image sets. */
  readonly base: Readonly<Record<string, string>>;
  readonly read: ReadKeyed;
};

/** The environment of a container, in the order of precedence that Kubernetes has. Throws {@link ConfigError}. */
export async function buildEnvironment(input: EnvironmentInput): Promise<Record<string, string>> {
  const { pod, container } = input;
  const namespace = pod.metadata.namespace ?? 'default';
  const services = serviceVariables(input.services, namespace, pod.spec?.enableServiceLinks ?? true);
  const result: Record<string, string> = { ...input.base, ...services };
  for (const source of container.envFrom ?? []) {
    const kind = source.configMapRef ? 'configMap' : 'secret';
    const ref = source.configMapRef ?? source.secretRef;
    if (!ref?.name) continue;
    const object = await input.read(kind, ref.name);
    if (!object && !ref.optional) throw notFound(kind, ref.name);
    for (const [key, value] of Object.entries(textData(kind, object))) result[`${source.prefix ?? ''}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, input, result);
    if (value !== undefined) result[variable.name] = value;
  }
  return result;
}

async function variableValue(
  variable: EnvVar,
  input: EnvironmentInput,
  known: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) {
    return expandReferences(variable.value ?? '', (name) => (Object.hasOwn(known, name) ? known[name] : undefined));
  }
  if (from.fieldRef) return fieldValue(input.pod, from.fieldRef, input.node);
  if (from.resourceFieldRef) return resourceValue(input.pod, input.container.name, from.resourceFieldRef);
  if (from.configMapKeyRef) return keyValue('configMap', from.configMapKeyRef, input.read);
  if (from.secretKeyRef) return keyValue('secret', from.secretKeyRef, input.read);
  throw new ConfigError(`env ${variable.name}: valueFrom names no source that is supported`);
}

async function keyValue(kind: 'configMap' | 'secret', ref: KeyRef, read: ReadKeyed): Promise<string | undefined> {
  const object = await read(kind, ref.name ?? '');
  if (!object) {
    if (ref.optional) return undefined;
    throw notFound(kind, ref.name ?? '');
  }
  const data = textData(kind, object);
  if (Object.hasOwn(data, ref.key)) return data[ref.key];
  if (ref.optional) return undefined;
  const what = kind === 'configMap' ? 'ConfigMap' : 'Secret';
  throw new ConfigError(`couldn't find key ${ref.key} in ${what} ${object.metadata.namespace ?? ''}/${ref.name ?? ''}`);
}

function notFound(kind: 'configMap' | 'secret', name: string): ConfigError {
  return new ConfigError(`${kind.toLowerCase()} "${name}" not found; create it, or mark the reference optional`);
}

function textData(kind: 'configMap' | 'secret', object: KeyedData | undefined): Readonly<Record<string, string>> {
  if (kind === 'configMap') return object?.data ?? {};
  const entries = Object.entries(object?.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}
