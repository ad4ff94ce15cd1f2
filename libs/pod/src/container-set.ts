import { parseDurationMs } from '@sluice/expr';
import type { ContainerOrder, ContainerPlan, Json, JsonObject } from '@sluice/model';

/** The containers of a container set as a pod has them, and how they stand to each other. */
export type ContainerSet = { readonly containers: readonly JsonObject[]; readonly plan: ContainerPlan };

/** Read a container set: its mounts go to all containers, its order and retries into the plan. */
export function readContainerSet(set: JsonObject): ContainerSet {
  const shared = listOf(set['volumeMounts']);
  const retry = retriesOf(set['retryStrategy']);
  const order: Record<string, ContainerOrder> = {};
  const containers = listOf(set['containers']).map(({ dependencies, ...container }) => {
    const after = Array.isArray(dependencies) ? dependencies.map(String) : [];
    const name = nameOf(container);
    const own: ContainerOrder = { ...(after.length > 0 ? { after } : {}), ...retry };
    if (Object.keys(own).length > 0) order[name] = own;
    const mounts = [...shared, ...listOf(container['volumeMounts'])];
    return { ...container, ...(mounts.length > 0 ? { volumeMounts: mounts } : {}) };
  });
  const main = containers.map(nameOf);
  return { containers, plan: { main, ...(Object.keys(order).length > 0 ? { order } : {}) } };
}

function nameOf({ name }: JsonObject): string {
  return typeof name === 'string' ? name : '';
}

function retriesOf(strategy: Json | undefined): ContainerOrder {
  if (typeof strategy !== 'object' || strategy === null || Array.isArray(strategy)) return {};
  const { retries, duration } = strategy as JsonObject;
  const count = Number(retries);
  if (!Number.isInteger(count) || count < 1) return {};
  const delayMs = typeof duration === 'string' ? parseDurationMs(duration) : undefined;
  return { retries: count, ...(delayMs ? { retryDelayMs: delayMs } : {}) };
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonObject[]) : [];
}
