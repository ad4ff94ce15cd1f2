import type { ObservedPod } from './observe-pod.ts';

/** One second of this much counts as one second of the resource. */
const units: Readonly<Record<string, number>> = {
  cpu: 1,
  memory: 100 * 2 ** 20,
  storage: 10 * 2 ** 30,
  'ephemeral-storage': 10 * 2 ** 30,
};
const defaults: Readonly<Record<string, unknown>> = { cpu: '100m', memory: '100Mi' };
const suffixes: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * How much of each resource a finished pod has had, in seconds of a unit (a CPU, 100 MiB): what its containers asked for (100m and
 * 100Mi where they did not say) times how long they ran. Undefined when no container says when it ran.
 */
export function resourcesDurationOf({ spec, status = {} }: ObservedPod): Readonly<Record<string, number>> | undefined {
  const { initContainers = [], containers = [] } = spec ?? {};
  const states = new Map(
    [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(({ name, state }) => [
      name,
      state?.terminated,
    ]),
  );
  const total: Record<string, number> = {};
  for (const { name, resources } of [...initContainers, ...containers]) {
    const ended = states.get(name);
    const seconds = (Date.parse(ended?.finishedAt ?? '') - Date.parse(ended?.startedAt ?? '')) / 1_000;
    if (!(seconds >= 0)) continue;
    const asked = { ...defaults, ...recordOf(resources?.limits), ...recordOf(resources?.requests) };
    for (const [resource, quantity] of Object.entries(asked))
      total[resource] = (total[resource] ?? 0) + Math.floor((amountOf(quantity) * seconds) / (units[resource] ?? 1));
  }
  return Object.keys(total).length === 0 ? undefined : total;
}

/** A quantity such as `250m` or `1Gi` as a number; 0 for what is none. */
function amountOf(quantity: unknown): number {
  const [, digits = '', suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(String(quantity)) ?? [];
  const amount = Number(digits) * (suffixes[suffix] ?? Number.NaN);
  return Number.isFinite(amount) ? amount : 0;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
