import { resources, type JsonObject, type KubeObject } from '@sluice/model';
import { parseValues } from '@sluice/helm';
import type { KubeApi } from '@sluice/reconcile';
import {
  composeValues,
  readValuesReference,
  type ReleasePlan,
  type ValuesHolder,
  type ValuesPart,
} from '@sluice/release';

/** The values of a release, composed from the ConfigMaps and Secrets that it names. Throws ValuesError. */
export async function readValues(
  kube: KubeApi,
  namespace: string,
  plan: Pick<ReleasePlan, 'values' | 'valuesFrom'>,
  signal: AbortSignal,
): Promise<JsonObject> {
  const parts: ValuesPart[] = [];
  for (const reference of plan.valuesFrom) {
    const resource = reference.kind === 'Secret' ? resources.secrets : resources.configMaps;
    const holder = await kube.get<KubeObject & ValuesHolder>(resource, { namespace, name: reference.name }, signal);
    const part = readValuesReference(reference, namespace, holder, parseValues);
    if (part) parts.push(part);
  }
  return composeValues(parts, plan.values);
}
