import { resources, type JsonObject, type KubeObject } from '@sluice/model';
import { parseValues } from '@sluice/helm';
import type { KubeApi } from '@sluice/reconcile';
import { composeValues, ValuesError, type ReleasePlan, type ValuesPart, type ValuesReference } from '@sluice/release';

type Holder = KubeObject & {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
};

const maxValuesChars = 4 * 1024 * 1024;

/** The values of a release, composed from the ConfigMaps and Secrets that it names. Throws {@link ValuesError}. */
export async function readValues(
  kube: KubeApi,
  namespace: string,
  plan: ReleasePlan,
  signal: AbortSignal,
): Promise<JsonObject> {
  const parts: ValuesPart[] = [];
  for (const reference of plan.valuesFrom) {
    const text = await readReference(kube, namespace, reference, signal);
    if (text !== undefined) parts.push(toPart(reference, text));
  }
  return composeValues(parts, plan.values);
}

async function readReference(
  kube: KubeApi,
  namespace: string,
  reference: ValuesReference,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { kind, name, key, optional } = reference;
  const resource = kind === 'Secret' ? resources.secrets : resources.configMaps;
  const holder = await kube.get<Holder>(resource, { namespace, name }, signal);
  const raw = holder?.data?.[key];
  const binary = holder?.binaryData?.[key];
  if (raw === undefined && binary === undefined) {
    if (optional) return undefined;
    const what = holder ? `has no key "${key}"` : 'does not exist';
    throw new ValuesError(`${kind} ${namespace}/${name} (spec.valuesFrom) ${what}; make it, or set optional: true`);
  }
  const text =
    kind === 'Secret' || raw === undefined ? Buffer.from(raw ?? binary ?? '', 'base64').toString('utf8') : raw;
  if (text.length > maxValuesChars)
    throw new ValuesError(`${kind} ${namespace}/${name}: key "${key}" is longer than ${maxValuesChars} characters`);
  return text;
}

function toPart(reference: ValuesReference, text: string): ValuesPart {
  if (reference.targetPath) return { kind: 'place', path: reference.targetPath, text, literal: reference.literal };
  try {
    return { kind: 'tree', values: parseValues(text) as JsonObject };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    // A YAML error quotes the text it failed on, which must not leave a Secret.
    const shown = reference.kind === 'Secret' ? 'it is not a YAML mapping' : why;
    throw new ValuesError(`${reference.kind} ${reference.name}: key "${reference.key}" cannot be read: ${shown}`);
  }
}
