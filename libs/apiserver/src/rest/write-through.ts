import type { KubeObject } from '@sluice/model';
import { conflict, modified } from '../http/status-error.ts';
import { groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import { convert } from '../objects/conversion.ts';
import type { Entry } from '../objects/entry.ts';
import type { JsonRecord } from '../objects/json.ts';
import type { Decision, Written } from '../objects/object-store.ts';
import { storageId } from '../registry/kind-registry.ts';
import { applyDefaults } from '../schema/defaults.ts';
import type { AdmissionContext } from '../webhooks/admission.ts';
import type { Admitted } from '../webhooks/admission-hook.ts';
import type { Api, ResourceRequest, User } from './api.ts';
import { toObject } from './incoming.ts';
import { keyIn } from './read.ts';

/** What is written to and for whom. Webhooks are asked only for those who are named. */
export type WriteTarget = Pick<ResourceRequest, 'kind' | 'path'> & {
  readonly user?: User;
  /** Takes what webhooks want the client to be told. */
  readonly warn?: (text: string) => void;
};

/** One write, in the version of the request. `old` is undefined when there is no object yet. Both functions throw to refuse. */
export type WritePlan = {
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  /** For webhooks: the options of the request. */
  readonly options: JsonRecord;
  /** What is asked for. */
  readonly draft: (old: KubeObject | undefined) => KubeObject;
  /** What will be stored of it. */
  readonly finish: (draft: KubeObject, old: KubeObject | undefined) => KubeObject;
};

/** How often a write starts again because the object changed while others were asked about it. */
const maxAttempts = 10;

/**
 * Decide and store. Where nobody outside has a say, all of it happens while the object is locked; else webhooks and converters
 * are asked first, and the write holds only if the object is still the one that they saw.
 */
export async function writeThrough(api: Api, target: WriteTarget, plan: WritePlan): Promise<Written> {
  const { kind } = target;
  const id = storageId(kind);
  const key = keyIn(plan.namespace, plan.name);
  if (needsOthers(api, target, plan)) return writeAsked(api, target, plan, key);
  let prepared: { readonly object: KubeObject; readonly isNew: boolean } | undefined;
  const decide = (current: Entry | undefined): Decision => {
    const old = current && convert(current.object, kind);
    const object = plan.finish(plan.draft(old), old);
    prepared = { object, isNew: !old };
    return decisionOf(api, kind, toStored(api, kind, object), old);
  };
  try {
    const written = await api.objects.write(id, key, decide, plan.dryRun);
    if (plan.dryRun && prepared?.isNew) abandon(api, kind, prepared.object);
    return written;
  } catch (error) {
    if (prepared?.isNew) abandon(api, kind, prepared.object);
    throw error;
  }
}

/** Subresources that webhooks are asked about. */
const hookedSubresources: ReadonlySet<string> = new Set(['', 'status']);

function needsOthers(api: Api, { kind, user }: WriteTarget, plan: WritePlan): boolean {
  if (kind.conversion) return true;
  if (api.quotas.covers(plan.namespace) && plan.subresource === '') return true;
  return user !== undefined && hookedSubresources.has(plan.subresource) && api.admission.hasHooks();
}

class Stale extends Error {
  override readonly name = 'Stale';
}

async function writeAsked(api: Api, target: WriteTarget, plan: WritePlan, key: string): Promise<Written> {
  const { kind } = target;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const current = api.objects.collection(storageId(kind)).get(key);
    if (current) await api.conversions.ready([current.object], kind);
    const old = current && convert(current.object, kind);
    try {
      const written = await attemptWrite(api, target, plan, { key, current, old });
      await api.conversions.ready([written.entry.object], kind);
      return written;
    } catch (error) {
      if (!(error instanceof Stale)) throw error;
    }
  }
  throw conflict(kind, plan.name, modified);
}

type Seen = { readonly key: string; readonly current: Entry | undefined; readonly old: KubeObject | undefined };

async function attemptWrite(
  api: Api,
  target: WriteTarget,
  plan: WritePlan,
  { key, current, old }: Seen,
): Promise<Written> {
  const { kind } = target;
  const id = storageId(kind);
  const object = plan.finish(await mutated(api, target, plan, plan.draft(old), old), old);
  let release = (): void => undefined;
  let isDone = false;
  try {
    await validated(api, target, plan, object, old);
    const stored = api.registry.stored(kind);
    await api.conversions.ready([object], stored);
    const kept = toStored(api, kind, object);
    if (!old) release = api.quotas.reserve(kind, object);
    const decide = (now: Entry | undefined): Decision => {
      if (now !== current) throw new Stale();
      return decisionOf(api, kind, kept, old);
    };
    const written = await api.objects.write(id, key, decide, plan.dryRun);
    isDone = !plan.dryRun;
    return written;
  } finally {
    release();
    if (!old && !isDone) abandon(api, kind, object);
  }
}

function admittedOf(api: Api, { kind }: WriteTarget, plan: WritePlan, old: KubeObject | undefined): Admitted {
  const { namespace, name, subresource } = plan;
  const served = api.registry.versionsOf(storageId(kind));
  const base = { kind, served, namespace, name, subresource };
  return { ...base, operation: old ? 'UPDATE' : 'CREATE', ...(old ? { old } : {}) };
}

/** Who does it, when webhooks are to be asked at all. */
function contextOf({ user, warn }: WriteTarget, plan: WritePlan): AdmissionContext | undefined {
  if (!user || !hookedSubresources.has(plan.subresource)) return undefined;
  return { user, dryRun: plan.dryRun, options: plan.options, warn: warn ?? (() => undefined) };
}

async function mutated(
  api: Api,
  target: WriteTarget,
  plan: WritePlan,
  draft: KubeObject,
  old: KubeObject | undefined,
): Promise<KubeObject> {
  const context = contextOf(target, plan);
  if (!context) return draft;
  const object = applyDefaults(target.kind, draft);
  const changed = await api.admission.mutate({ ...admittedOf(api, target, plan, old), object }, context);
  if (!changed || changed === object) return draft;
  return toObject(target.kind, changed, 'Ignore', { patched: true }).object;
}

async function validated(
  api: Api,
  target: WriteTarget,
  plan: WritePlan,
  object: KubeObject,
  old: KubeObject | undefined,
): Promise<void> {
  const context = contextOf(target, plan);
  if (context) await api.admission.validate({ ...admittedOf(api, target, plan, old), object }, context);
}

function abandon(api: Api, kind: KindInfo, object: KubeObject): void {
  api.strategyOf(kind).abandon?.(object);
}

function toStored(api: Api, kind: KindInfo, object: KubeObject): KubeObject {
  api.checkStored?.(kind, object);
  const stored = api.registry.stored(kind);
  return groupVersionOf(stored) === object.apiVersion ? object : convert(object, stored);
}

function decisionOf(api: Api, kind: KindInfo, object: KubeObject, old: KubeObject | undefined): Decision {
  return old ? decideUpdate(api, kind, object) : { type: 'put', object };
}

/** Store the update, or remove the object when it was only waiting for its finalizers. */
export function decideUpdate(api: Api, kind: KindInfo, object: KubeObject): Decision {
  return isGone(api, kind, object) ? { type: 'remove', object } : { type: 'put', object };
}

function isGone(api: Api, kind: KindInfo, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return false;
  return !(api.strategyOf(kind).isHeld?.(object) ?? false);
}
