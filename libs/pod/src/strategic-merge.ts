import type { Json, JsonObject } from '@sluice/model';

/** Keys by which the lists of a pod spec merge; other lists are replaced. */
const listKeys: Readonly<Record<string, string>> = {
  containers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  hostAliases: 'ip',
  imagePullSecrets: 'name',
  initContainers: 'name',
  ports: 'containerPort',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
  volumes: 'name',
};

/** Strategic merge of a patch into a pod's spec: null removes, objects merge, lists merge by their key. */
export function mergeStrategic(target: JsonObject, patch: JsonObject): JsonObject {
  const result: Record<string, Json> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergeValue(key, result[key], value);
  }
  return result;
}

function mergeValue(key: string, before: Json | undefined, value: Json): Json {
  if (isObject(before) && isObject(value)) return mergeStrategic(before, value);
  const by = listKeys[key];
  if (!by || !Array.isArray(before) || !Array.isArray(value)) return value;
  return mergeLists(before as readonly Json[], value as readonly Json[], by);
}

function mergeLists(before: readonly Json[], patch: readonly Json[], by: string): readonly Json[] {
  const merged = [...before];
  for (const item of patch) {
    const index = merged.findIndex((other) => isObject(other) && isObject(item) && other[by] === item[by]);
    const present = merged[index];
    if (isObject(present) && isObject(item)) merged[index] = mergeStrategic(present, item);
    else merged.push(item);
  }
  return merged;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
