import type { KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { decodeBody } from '../http/body.ts';
import { flag, parseListParameters, parseWriteParameters, wholeNumber } from '../http/query.ts';
import { json } from '../http/respond.ts';
import { badRequest, conflict, forbidden, notFound, StatusError } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import { convert } from '../objects/conversion.ts';
import type { Entry } from '../objects/entry.ts';
import { isRecord, show, valueAt, withMetadata } from '../objects/json.ts';
import type { Decision, Written } from '../objects/object-store.ts';
import { storageId } from '../registry/kind-registry.ts';
import { type Api, type ResourceRequest, type Strategy, timeText } from './api.ts';
import { listResponse, objectResponse } from './output.ts';
import { keyIn, viewOf } from './read.ts';
import { parseSelection } from './selection.ts';

/** metav1.DeleteOptions, checked. */
export type DeleteOptions = {
  readonly propagation: 'Background' | 'Foreground' | 'Orphan' | undefined;
  readonly graceSeconds: number | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
};

/** Delete with nothing asked for. */
export const plainDelete: DeleteOptions = {
  propagation: undefined,
  graceSeconds: undefined,
  uid: undefined,
  resourceVersion: undefined,
  dryRun: false,
};

/** DELETE of one object. */
export async function deleteFromRequest(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const { kind, path } = request;
  const options = await readDeleteOptions(request);
  const warnings = await admitDelete(api, request, path, options);
  const { entry, change } = await deleteObject(api, kind, keyIn(path.namespace, path.name), options);
  await api.conversions.ready([entry.object], kind);
  if (change !== 'DELETED' || kind.plural === 'pods') return objectResponse(200, entry, viewOf(api, request), warnings);
  const { name, uid } = entry.object.metadata;
  const details = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.plural, uid };
  return json(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }, warnings);
}

/** Ask the webhooks about a deletion; gives what they want the client to be told. */
export async function admitDelete(
  api: Api,
  { kind, user }: Pick<ResourceRequest, 'kind' | 'user'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { dryRun }: DeleteOptions,
): Promise<readonly string[]> {
  const warnings: string[] = [];
  const id = storageId(kind);
  const current = api.objects.collection(id).get(keyIn(namespace, name));
  if (!current || !api.admission.hasHooks()) return warnings;
  await api.conversions.ready([current.object], kind);
  const old = convert(current.object, kind);
  const asked = {
    operation: 'DELETE',
    kind,
    served: api.registry.versionsOf(id),
    subresource: '',
    namespace,
    name,
    old,
  } as const;
  const options = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...(dryRun ? { dryRun: ['All'] } : {}) };
  const context = { user, dryRun, options, warn: (text: string) => void warnings.push(text) };
  await api.admission.mutate(asked, context);
  await api.admission.validate(asked, context);
  return warnings;
}

/** DELETE of a collection: every object that the selectors match, one after the other. */
export async function deleteCollection(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const { kind, path, query } = request;
  const options = await readDeleteOptions(request);
  const parameters = parseListParameters(query);
  const selection = parseSelection(kind, parameters);
  const prefix = path.namespace === '' ? '' : `${path.namespace}/`;
  const entries = api.objects
    .collection(storageId(kind))
    .list(prefix)
    .filter(({ object }) => selection.matches(object));
  await Promise.all(
    entries.map(async ({ key, object }) => {
      try {
        const { namespace = '', name } = object.metadata;
        await admitDelete(api, request, { namespace, name }, options);
        await deleteObject(api, kind, key, options);
      } catch (error) {
        if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error;
      }
    }),
  );
  await api.conversions.ready(
    entries.map(({ object }) => object),
    kind,
  );
  return listResponse(entries, viewOf(api, request), { resourceVersion: String(api.objects.version) });
}

/** Begin or finish the deletion of an object. Throws 404, 403, and 409 for preconditions. */
export function deleteObject(api: Api, kind: KindInfo, key: string, options: DeleteOptions): Promise<Written> {
  const decide = (current: Entry | undefined): Decision => {
    if (!current) throw notFound(kind, key.slice(key.indexOf('/') + 1));
    return decideDelete(api, kind, current.object, options);
  };
  return api.objects.write(storageId(kind), key, decide, options.dryRun);
}

function decideDelete(api: Api, kind: KindInfo, object: KubeObject, options: DeleteOptions): Decision {
  checkPreconditions(kind, object, options);
  const strategy = api.strategyOf(kind);
  const refusal = strategy.refuseDelete?.(object);
  if (refusal !== undefined) throw forbidden(kind, object.metadata.name, refusal);
  const finalizers = finalizersAfter(object, options);
  const grace = strategy.graceSeconds?.(object, options.graceSeconds) ?? 0;
  const kept = withMetadata(object, { finalizers: finalizers.length > 0 ? finalizers : undefined });
  const marked = markDeleted(api, strategy, kept, grace);
  const remaining = marked.metadata.deletionGracePeriodSeconds ?? 0;
  const stays = remaining > 0 || finalizers.length > 0 || (strategy.isHeld?.(marked) ?? false);
  return { type: stays ? 'put' : 'remove', object: marked };
}

/** The object with its deletion begun, or with less time left than before. */
function markDeleted(api: Api, strategy: Strategy, object: KubeObject, grace: number): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, generation } = object.metadata;
  const began = deletionTimestamp !== undefined;
  if (began && grace >= deletionGracePeriodSeconds) return object;
  const marked = withMetadata(object, {
    deletionTimestamp: timeText(api.now() + grace * 1_000),
    deletionGracePeriodSeconds: grace,
    ...(!began && generation !== undefined ? { generation: generation + 1 } : {}),
  });
  return began ? marked : (strategy.markDeleted?.(marked) ?? marked);
}

/** Foreground and orphaning deletion are left to the garbage collector, which these finalizers tell. */
function finalizersAfter(object: KubeObject, { propagation }: DeleteOptions): readonly string[] {
  const own = object.metadata.finalizers ?? [];
  if (propagation === undefined) return own;
  const others = own.filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  if (propagation === 'Foreground') return [...others, 'foregroundDeletion'];
  return propagation === 'Orphan' ? [...others, 'orphan'] : others;
}

function checkPreconditions(kind: KindInfo, { metadata }: KubeObject, { uid, resourceVersion }: DeleteOptions): void {
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      kind,
      metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    throw conflict(kind, metadata.name, why);
  }
}

/** DeleteOptions from the body and the query. Throws 400. */
export async function readDeleteOptions({
  http,
  query,
}: Pick<ResourceRequest, 'http' | 'query'>): Promise<DeleteOptions> {
  const { value = {} } = await decodeBody(http);
  if (!isRecord(value)) throw badRequest('the body of a deletion must be a DeleteOptions object');
  return toDeleteOptions(value, query);
}

/** Merge the fields of a body with the parameters of a query. Throws 400. */
export function toDeleteOptions(body: Readonly<Record<string, unknown>>, query: URLSearchParams): DeleteOptions {
  const propagation = body['propagationPolicy'] ?? query.get('propagationPolicy') ?? undefined;
  if (
    propagation !== undefined &&
    propagation !== 'Background' &&
    propagation !== 'Foreground' &&
    propagation !== 'Orphan'
  ) {
    throw badRequest(
      `invalid DeleteOptions: propagationPolicy: Unsupported value: "${show(propagation)}": supported values: "Background", "Foreground", "Orphan"`,
    );
  }
  const orphan = body['orphanDependents'] === true || flag(query, 'orphanDependents');
  const grace = body['gracePeriodSeconds'] ?? wholeNumber(query, 'gracePeriodSeconds');
  const dryRun = body['dryRun'];
  return {
    propagation: propagation ?? (orphan ? 'Orphan' : undefined),
    graceSeconds: typeof grace === 'number' ? Math.max(0, Math.trunc(grace)) : undefined,
    uid: textOrNone(valueAt(body, 'preconditions', 'uid')),
    resourceVersion: textOrNone(valueAt(body, 'preconditions', 'resourceVersion')),
    dryRun: (Array.isArray(dryRun) && dryRun.includes('All')) || parseWriteParameters(query, undefined).dryRun,
  };
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
