import type { Probe } from './pod-spec.ts';

/** Where a probe stands. `nextAt` is when to probe again, in milliseconds since the epoch. */
export type ProbeState = {
  readonly successes: number;
  readonly failures: number;
  /** undefined until a threshold was reached for the first time. */
  readonly verdict: boolean | undefined;
  readonly nextAt: number;
};

/** A probe of a container that started at `startedAt`. */
export function newProbeState(probe: Probe, startedAt: number): ProbeState {
  return {
    successes: 0,
    failures: 0,
    verdict: undefined,
    nextAt: startedAt + (probe.initialDelaySeconds ?? 0) * 1000,
  };
}

/** The state after one outcome at `now`. A verdict changes when its threshold of outcomes in a row is reached. */
export function nextProbeState(probe: Probe, state: ProbeState, succeeded: boolean, now: number): ProbeState {
  const successes = succeeded ? state.successes + 1 : 0;
  const failures = succeeded ? 0 : state.failures + 1;
  let { verdict } = state;
  if (successes >= (probe.successThreshold ?? 1)) verdict = true;
  if (failures >= (probe.failureThreshold ?? 3)) verdict = false;
  return { successes, failures, verdict, nextAt: now + probePeriodMs(probe) };
}

/** Time between two probes. */
export function probePeriodMs(probe: Probe): number {
  return Math.max(1, probe.periodSeconds ?? 10) * 1000;
}

/** How long one probe may take. */
export function probeTimeoutMs(probe: Probe): number {
  return Math.max(1, probe.timeoutSeconds ?? 1) * 1000;
}
