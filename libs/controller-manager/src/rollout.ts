import { resolveIntOrPercent } from './int-or-percent.ts';
import { sameTemplate } from './template-hash.ts';
import type { Deployment, ReplicaSet } from './workload.ts';

/** A change of the wanted number of pods of one set. */
export type ScaleChange = { readonly set: ReplicaSet; readonly replicas: number };

/** The bounds of a rolling update in pods. */
export type RollingBounds = { readonly surge: number; readonly unavailable: number };

/** The sets of a deployment. `current` makes the pods of the present template. */
export type Rollout = { readonly current: ReplicaSet | undefined; readonly old: readonly ReplicaSet[] };

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Tell the present set from the older ones, which come oldest first. */
export function toRollout(deployment: Deployment, sets: readonly ReplicaSet[]): Rollout {
  const ordered = sets.toSorted(compareAge);
  const current = ordered.find((set) => sameTemplate(set.spec?.template, deployment.spec?.template));
  return { current, old: ordered.filter((set) => set !== current) };
}

/** `maxSurge` and `maxUnavailable`; never both zero, for then nothing could move. */
export function rollingBounds(deployment: Deployment): RollingBounds {
  const replicas = deployment.spec?.replicas ?? 1;
  if (isRecreate(deployment)) return { surge: 0, unavailable: replicas };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = resolveIntOrPercent(maxSurge, replicas, 'up');
  const unavailable = Math.min(resolveIntOrPercent(maxUnavailable, replicas, 'down'), replicas);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function isRecreate(deployment: Deployment): boolean {
  return deployment.spec?.strategy?.type === 'Recreate';
}

/** Most pods that a deployment may have at a time. */
export function maxReplicas(deployment: Deployment): number {
  const replicas = deployment.spec?.replicas ?? 1;
  return replicas > 0 ? replicas + rollingBounds(deployment).surge : 0;
}

/** How many pods a set that is made now starts with. */
export function firstReplicas(deployment: Deployment, old: readonly ReplicaSet[]): number {
  const wanted = deployment.spec?.replicas ?? 1;
  if (isRecreate(deployment)) return old.some((set) => wantedBy(set) > 0 || presentIn(set) > 0) ? 0 : wanted;
  const room = maxReplicas(deployment) - sum(old, wantedBy);
  return Math.max(0, Math.min(room, wanted));
}

/** The next step of a rolling update: the new set grows into the surge, old ones shrink as far as availability allows. */
export function decideRollingUpdate(deployment: Deployment, { current, old }: Rollout): readonly ScaleChange[] {
  if (!current) return [];
  const wanted = deployment.spec?.replicas ?? 1;
  const have = wantedBy(current);
  if (have > wanted) return [{ set: current, replicas: wanted }];
  if (have < wanted) {
    const room = maxReplicas(deployment) - have - sum(old, wantedBy);
    if (room > 0) return [{ set: current, replicas: Math.min(wanted, have + room) }];
  }
  return shrinkOld(deployment, current, old);
}

function shrinkOld(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): readonly ScaleChange[] {
  const wanted = deployment.spec?.replicas ?? 1;
  const minAvailable = wanted - rollingBounds(deployment).unavailable;
  const all = wantedBy(current) + sum(old, wantedBy);
  const currentMissing = wantedBy(current) - (current.status?.availableReplicas ?? 0);
  let spare = all - minAvailable - Math.max(0, currentMissing);
  if (spare <= 0) return [];
  const left = new Map(old.map((set) => [set, wantedBy(set)]));
  // Pods that serve nobody go first: their loss costs nothing.
  for (const set of old) {
    const unhealthy = Math.max(0, wantedBy(set) - (set.status?.availableReplicas ?? 0));
    const go = Math.min(spare, unhealthy);
    left.set(set, wantedBy(set) - go);
    spare -= go;
  }
  const available = (current.status?.availableReplicas ?? 0) + sum(old, (set) => set.status?.availableReplicas ?? 0);
  let budget = Math.max(0, available - minAvailable);
  for (const set of old) {
    const go = Math.min(budget, left.get(set) ?? 0);
    left.set(set, (left.get(set) ?? 0) - go);
    budget -= go;
  }
  return old.flatMap((set) => {
    const replicas = left.get(set) ?? 0;
    return replicas < wantedBy(set) ? [{ set, replicas }] : [];
  });
}

/** Recreate: everything old goes, then, once its pods have ended, the new set comes. */
export function decideRecreate(deployment: Deployment, rollout: Rollout, oldPodsRun: boolean): readonly ScaleChange[] {
  const { current, old } = rollout;
  const shrink = old.filter((set) => wantedBy(set) > 0).map((set) => ({ set, replicas: 0 }));
  if (shrink.length > 0) return shrink;
  const wanted = deployment.spec?.replicas ?? 1;
  return current && !oldPodsRun && wantedBy(current) !== wanted ? [{ set: current, replicas: wanted }] : [];
}

/**
 * What a change of `spec.replicas` means for sets that have pods: in the middle of a rollout each grows or shrinks in
 * proportion. Undefined when the number was not changed.
 */
export function decideScaling(deployment: Deployment, { current, old }: Rollout): readonly ScaleChange[] | undefined {
  const wanted = deployment.spec?.replicas ?? 1;
  const active = [...old, ...(current ? [current] : [])].filter((set) => wantedBy(set) > 0);
  const changed = active.some((set) => {
    const desired = set.metadata.annotations?.[desiredAnnotation];
    return desired !== undefined && Number(desired) !== wanted;
  });
  if (!changed) return undefined;
  const [only] = active;
  if (active.length === 1 && only) return [{ set: only, replicas: wanted }];
  const have = sum(active, wantedBy);
  const allowed = maxReplicas(deployment);
  // The larger and, among equals, the newer first, so that what rounding leaves goes where it weighs least.
  const bySize = active.toSorted((a, b) => wantedBy(b) - wantedBy(a) || compareAge(b, a));
  let left = allowed - have;
  const changes = bySize.map((set) => {
    const share = have === 0 ? 0 : Math.round((wantedBy(set) * allowed) / have) - wantedBy(set);
    const given = left > 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
    left -= given;
    return { set, replicas: Math.max(0, wantedBy(set) + given) };
  });
  return changes.map((change, index) =>
    index === 0 ? { ...change, replicas: Math.max(0, change.replicas + left) } : change,
  );
}

/** Old sets beyond the history that is kept. */
export function decideCleanup(deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const idle = old.filter((set) => wantedBy(set) === 0 && presentIn(set) === 0 && !set.metadata.deletionTimestamp);
  const ordered = idle.toSorted((a, b) => revisionOf(a) - revisionOf(b));
  return ordered.slice(0, Math.max(0, old.length - limit));
}

/** The number of a revision; 0 for none. */
export function revisionOf({ metadata }: ReplicaSet | Deployment): number {
  const revision = Number(metadata.annotations?.[revisionAnnotation] ?? '0');
  return Number.isInteger(revision) ? revision : 0;
}

export function wantedBy(set: ReplicaSet): number {
  return set.spec?.replicas ?? 1;
}

function presentIn(set: ReplicaSet): number {
  return set.status?.replicas ?? 0;
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function compareAge(a: ReplicaSet, b: ReplicaSet): number {
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
