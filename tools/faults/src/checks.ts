import type { ScenarioResult } from './scenario.ts';

/** One claim about a seed. */
export type Check = { readonly name: string; readonly problems: readonly string[] };

/** Most requests under faults, as a multiple of those without. */
export const requestFactor = 3;

/** What must hold of a seed, from a run without faults and one with them. */
export function checksOf(calm: ScenarioResult, stormy: ScenarioResult): readonly Check[] {
  const most = calm.requests * requestFactor;
  const tooMany = stormy.requests > most ? [`${stormy.requests} requests, more than ${most}`] : [];
  return [
    { name: 'converges', problems: [...calm.unconverged, ...stormy.unconverged] },
    { name: 'exactly one owner writes', problems: [...calm.offences, ...stormy.offences] },
    { name: 'no event is missed', problems: [...calm.missed, ...stormy.missed] },
    { name: `at most ${requestFactor} times the requests`, problems: tooMany },
  ];
}
