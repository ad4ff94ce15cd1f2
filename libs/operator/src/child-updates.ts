import { type Condition, findCondition, type KubeObject, type Resource } from '@sluice/model';
import { isSameObject } from './child-writer.ts';

/**
 * How a child that should change is changed. `InPlace`: at once. `Recreate`: deleted and made anew. `OnDelete`: not until somebody
 * deletes it. The rolling ways take one child of the kind after the other, and wait until the last is ready.
 */
export type UpdateStrategy = 'InPlace' | 'Recreate' | 'OnDelete' | 'RollingInPlace' | 'RollingRecreate';

/** A kind of children. */
export type ChildKind = {
  readonly resource: Resource;
  /** Default: InPlace. */
  readonly update?: UpdateStrategy;
  /** For the rolling strategies. Default: the condition Ready or Available, if there is one. */
  readonly isReady?: (child: KubeObject) => boolean;
  /** Take an object of the wanted name that nobody controls. Default: leave it alone and say so. */
  readonly adopt?: boolean;
  /** What becomes of children that are no longer wanted, or whose parent goes. Default: delete. */
  readonly surplus?: 'delete' | 'orphan';
};

/** A child as it should be, and whether what is there was made from the same wish and stayed as it was written. */
export type ChildView = {
  readonly wanted: KubeObject;
  readonly stored?: KubeObject;
  /** The wish has not changed since the stored child was written. */
  readonly sameWish: boolean;
  /** Nobody changed the stored child since. */
  readonly intact: boolean;
};

export type ChildPolicy = {
  readonly update: UpdateStrategy;
  readonly isReady: (child: KubeObject) => boolean;
};

/** What to do about one child. `hold`: it should change, and its strategy says not now. */
export type ChildAction = { readonly kind: 'apply' | 'delete' | 'hold' | 'none'; readonly child: KubeObject };

/** Decide what to do about each child, in the order in which they are wanted. Pure. */
export function decideUpdates(
  views: readonly ChildView[],
  policyOf: (child: KubeObject) => ChildPolicy,
): readonly ChildAction[] {
  const rolling = new Map<string, boolean>();
  for (const { wanted, stored, sameWish } of views) {
    const busy = !stored || (sameWish && !policyOf(wanted).isReady(stored)) || !!stored.metadata.deletionTimestamp;
    const kind = `${wanted.apiVersion}/${wanted.kind}`;
    rolling.set(kind, (rolling.get(kind) ?? false) || busy);
  }
  return views.map((view) => {
    const { wanted: child, stored, sameWish, intact } = view;
    const { update } = policyOf(child);
    if (!stored) return { kind: 'apply', child };
    if (stored.metadata.deletionTimestamp) return { kind: 'none', child };
    // Repair is no update: it brings back what the strategy had let through before.
    if (sameWish) return { kind: intact || update === 'OnDelete' ? 'none' : 'apply', child };
    if (update === 'OnDelete') return { kind: 'hold', child };
    if (update === 'InPlace') return { kind: 'apply', child };
    if (update === 'Recreate') return { kind: 'delete', child: stored };
    const kind = `${child.apiVersion}/${child.kind}`;
    if (rolling.get(kind)) return { kind: 'hold', child };
    rolling.set(kind, true);
    return update === 'RollingInPlace' ? { kind: 'apply', child } : { kind: 'delete', child: stored };
  });
}

/** What is there and not wanted. */
export function surplusOf(stored: readonly KubeObject[], wanted: readonly KubeObject[]): readonly KubeObject[] {
  return stored.filter(
    (object) => !object.metadata.deletionTimestamp && !wanted.some((child) => isSameObject(child, object)),
  );
}

/** Ready by what most kinds say of themselves: the condition Ready or Available; ready from the start for kinds that say nothing. */
export function isReadyByCondition({ status }: KubeObject): boolean {
  const { conditions } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
  const condition = findCondition(conditions, 'Ready') ?? findCondition(conditions, 'Available');
  return condition === undefined || condition.status === 'True';
}
