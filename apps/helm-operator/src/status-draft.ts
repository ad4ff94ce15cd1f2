import { keyOf, setCondition, type Condition, type KubeObject, type Resource } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import { timestamp, type Clock } from './ports.ts';

type WithConditions = { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number };
type NewCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The status of an object while it is being worked on. It is written only where it differs from what is stored. */
export class StatusDraft<Status extends WithConditions> {
  readonly #kube: KubeApi;
  readonly #resource: Resource;
  readonly #object: KubeObject<unknown, Status>;
  readonly #clock: Clock;
  #stored: Status;
  current: Status;

  constructor(kube: KubeApi, resource: Resource, object: KubeObject<unknown, Status>, clock: Clock) {
    this.#kube = kube;
    this.#resource = resource;
    this.#object = object;
    this.#clock = clock;
    this.#stored = object.status ?? ({} as Status);
    this.current = this.#stored;
  }

  get generation(): number {
    return this.#object.metadata.generation ?? 0;
  }

  set(change: Partial<Status>): void {
    this.current = { ...this.current, ...change };
  }

  condition(condition: NewCondition): void {
    const observed = { ...condition, observedGeneration: this.generation };
    this.conditions(setCondition(this.current.conditions, observed, timestamp(this.#clock)));
  }

  conditions(conditions: readonly Condition[]): void {
    if (conditions !== this.current.conditions) this.current = { ...this.current, conditions };
  }

  drop(...types: readonly string[]): void {
    const kept = (this.current.conditions ?? []).filter(({ type }) => !types.includes(type));
    if (kept.length !== (this.current.conditions ?? []).length) this.conditions(kept);
  }

  /** Write what has changed; nothing is sent when nothing has. An object that has gone meanwhile is nobody's concern. */
  async save(): Promise<void> {
    const changed = difference(this.#stored, this.current);
    if (Object.keys(changed).length === 0) return;
    const patch = { type: 'merge', body: { status: changed } } as const;
    const signal = AbortSignal.timeout(30_000);
    try {
      await this.#kube.patch(this.#resource, keyOf(this.#object), patch, { subresource: 'status', signal });
    } catch (error) {
      if (!isKubeError(error, 'NotFound')) throw error;
    }
    this.#stored = this.current;
  }
}

/** Top-level fields that differ, null for those that are gone; objects inside are replaced as a whole. */
function difference(before: object, after: object): Record<string, unknown> {
  const [old, now] = [before as Record<string, unknown>, after as Record<string, unknown>];
  const changed: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (old[key] === now[key] || JSON.stringify(old[key]) === JSON.stringify(now[key])) continue;
    changed[key] = replaced(old[key], now[key]);
  }
  return changed;
}

/** A merge patch keeps members that it does not name, so those that go are named with null. */
function replaced(before: unknown, after: unknown): unknown {
  if (after === undefined) return null;
  if (!isPlain(before) || !isPlain(after)) return after;
  const gone = Object.keys(before).filter((key) => after[key] === undefined);
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...after };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
