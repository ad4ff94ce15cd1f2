import type { KubeObject, ObjectKey } from '@sluice/model';

/** Spec of a coordination.k8s.io/v1 Lease. */
export type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
};

export type Lease = KubeObject<LeaseSpec>;

/** When a candidate last saw the lease change, by its own clock: clocks of other machines are never compared. */
export type Observation = { readonly version: string | undefined; readonly atMs: number };

/** Note what was read; the time moves only when the lease has changed. */
export function observe(before: Observation | undefined, lease: Lease, nowMs: number): Observation {
  const version = lease.metadata.resourceVersion;
  return before && before.version === version ? before : { version, atMs: nowMs };
}

/** True when a candidate may take the lease: nobody holds it, it holds it itself, or the holder was silent too long. */
export function mayTake(lease: Lease, identity: string, observation: Observation, nowMs: number): boolean {
  const { holderIdentity = '', leaseDurationSeconds = 15 } = lease.spec ?? {};
  if (holderIdentity === '' || holderIdentity === identity) return true;
  return observation.atMs + leaseDurationSeconds * 1_000 <= nowMs;
}

/** The spec to write when taking or renewing. */
export function takenSpec(lease: Lease | undefined, identity: string, durationMs: number, time: string): LeaseSpec {
  const before = lease?.spec;
  const held = before?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1_000),
    acquireTime: held && before.acquireTime ? before.acquireTime : time,
    renewTime: time,
    leaseTransitions: (before?.leaseTransitions ?? 0) + (before && !held ? 1 : 0),
  };
}

/** A new Lease object. */
export function buildLease(key: ObjectKey, spec: LeaseSpec): Lease {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...key }, spec };
}

/** RFC 3339 with microseconds, as metav1.MicroTime wants it. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
