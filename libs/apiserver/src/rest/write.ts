import type { KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { decodeBody } from '../http/body.ts';
import { parseWriteParameters, type WriteParameters } from '../http/query.ts';
import { alreadyExists, badRequest, invalid, notFound, StatusError } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import { convert } from '../objects/conversion.ts';
import type { Entry } from '../objects/entry.ts';
import type { Decision, Written } from '../objects/object-store.ts';
import { storageId } from '../registry/kind-registry.ts';
import type { Api, ResourceRequest } from './api.ts';
import { checkNamespace, generateName, placeIn, requireName } from './identity.ts';
import { type Incoming, toObject } from './incoming.ts';
import { objectResponse } from './output.ts';
import { type Author, prepareCreate, prepareUpdate } from './prepare.ts';
import { keyIn, viewOf } from './read.ts';

/** How often a taken generated name is replaced by another. */
const nameAttempts = 8;

/** POST to a collection. */
export async function createFromBody(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const parameters = parametersOf(request);
  const incoming = await readObject(request, parameters);
  const { entry } = await createObject(api, request, incoming.object, parameters);
  return objectResponse(201, entry, viewOf(api, request), warningsOf(request.kind, incoming));
}

/** Store a new object, under a generated name if it asks for one. */
export async function createObject(
  api: Api,
  { kind, path }: Pick<ResourceRequest, 'kind' | 'path'>,
  object: KubeObject,
  parameters: Pick<WriteParameters, 'dryRun' | 'fieldManager'>,
): Promise<Written> {
  const placed = placeIn(kind, object, path.namespace);
  requireName(kind, placed);
  if ((placed.metadata.resourceVersion ?? '') !== '')
    throw badRequest('resourceVersion should not be set on objects to be created');
  checkNamespace(api, kind, path.namespace, placed.metadata.name);
  const author: Author = { manager: parameters.fieldManager, subresource: '' };
  if (placed.metadata.name !== '') return insert(api, kind, placed, author, parameters.dryRun);
  for (let attempt = 1; ; attempt++) {
    const named = {
      ...placed,
      metadata: { ...placed.metadata, name: generateName(placed.metadata.generateName ?? '') },
    };
    try {
      return await insert(api, kind, named, author, parameters.dryRun);
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === 'AlreadyExists') || attempt === nameAttempts) throw error;
    }
  }
}

async function insert(api: Api, kind: KindInfo, object: KubeObject, author: Author, dryRun: boolean): Promise<Written> {
  const { name, namespace = '' } = object.metadata;
  const strategy = api.strategyOf(kind);
  let prepared: KubeObject | undefined;
  try {
    const decide = (current: Entry | undefined): Decision => {
      if (current) throw alreadyExists(kind, name);
      prepared = prepareCreate(api, kind, object, author);
      return { type: 'put', object: prepared };
    };
    const written = await api.objects.write(storageId(kind), keyIn(namespace, name), decide, dryRun);
    if (dryRun && prepared) strategy.abandon?.(prepared);
    return written;
  } catch (error) {
    if (prepared) strategy.abandon?.(prepared);
    throw error;
  }
}

/** PUT of an object, or of its status. */
export async function updateFromBody(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const { kind, path } = request;
  const parameters = parametersOf(request);
  const incoming = await readObject(request, parameters);
  const placed = placeIn(kind, checkName(kind, incoming.object, path.name), path.namespace);
  if (kind.custom && (placed.metadata.resourceVersion ?? '') === '') {
    const message = 'Invalid value: 0: must be specified for an update';
    throw invalid(kind, path.name, [{ reason: 'FieldValueInvalid', message, field: 'metadata.resourceVersion' }]);
  }
  const author: Author = { manager: parameters.fieldManager, subresource: path.subresource };
  const { entry } = await changeObject(api, request, () => placed, author, parameters.dryRun);
  return objectResponse(200, entry, viewOf(api, request), warningsOf(kind, incoming));
}

/** Replace an object by what `change` makes of it, in the version of the request. Throws 404. */
export function changeObject(
  api: Api,
  { kind, path }: Pick<ResourceRequest, 'kind' | 'path'>,
  change: (old: KubeObject) => KubeObject,
  author: Author,
  dryRun: boolean,
): Promise<Written> {
  const decide = (current: Entry | undefined): Decision => {
    if (!current) throw notFound(kind, path.name);
    const old = convert(current.object, kind);
    return decideUpdate(api, kind, prepareUpdate(api, kind, change(old), old, author));
  };
  return api.objects.write(storageId(kind), keyIn(path.namespace, path.name), decide, dryRun);
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

/** Parameters of a write request. */
export function parametersOf({ query, http }: ResourceRequest): WriteParameters {
  return parseWriteParameters(query, http.headers['user-agent']);
}

/** Warnings that go out with the answer. */
export function warningsOf(kind: KindInfo, { warnings }: Pick<Incoming, 'warnings'>): readonly string[] {
  return kind.deprecationWarning === undefined ? warnings : [kind.deprecationWarning, ...warnings];
}

async function readObject({ http, kind }: ResourceRequest, { fieldValidation }: WriteParameters): Promise<Incoming> {
  const { value, problems } = await decodeBody(http);
  return toObject(kind, value, fieldValidation, { problems });
}

function checkName(kind: KindInfo, object: KubeObject, name: string): KubeObject {
  const own = object.metadata.name;
  if (own === name) return object;
  if (own !== '') throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
  const message = 'Required value: name must be provided';
  throw invalid(kind, name, [{ reason: 'FieldValueRequired', message, field: 'metadata.name' }]);
}
