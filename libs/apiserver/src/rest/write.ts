import type { KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { defaultAccount } from '../admission/token-volume.ts';
import { decodeBody } from '../http/body.ts';
import { parseWriteParameters, type WriteParameters } from '../http/query.ts';
import { alreadyExists, badRequest, invalid, notFound, StatusError } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import type { JsonRecord } from '../objects/json.ts';
import type { Written } from '../objects/object-store.ts';
import type { Api, ResourceRequest } from './api.ts';
import { checkNamespace, generateName, placeIn, requireName } from './identity.ts';
import { type Incoming, toObject } from './incoming.ts';
import { objectResponse } from './output.ts';
import { type Author, prepareCreate, prepareUpdate } from './prepare.ts';
import { viewOf } from './read.ts';
import { writeThrough, type WriteTarget } from './write-through.ts';

/** How often a taken generated name is replaced by another. */
const nameAttempts = 8;

/** POST to a collection. */
export async function createFromBody(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const parameters = parametersOf(request);
  const incoming = await readObject(request, parameters);
  const { target, warnings } = warned(request, incoming);
  const { entry } = await createObject(api, target, incoming.object, parameters);
  return objectResponse(201, entry, viewOf(api, request), warnings());
}

/** Store a new object, under a generated name if it asks for one. */
export async function createObject(
  api: Api,
  target: WriteTarget,
  object: KubeObject,
  parameters: Pick<WriteParameters, 'dryRun' | 'fieldManager'>,
): Promise<Written> {
  const { kind, path } = target;
  const placed = placeIn(kind, object, path.namespace);
  requireName(kind, placed);
  if ((placed.metadata.resourceVersion ?? '') !== '')
    throw badRequest('resourceVersion should not be set on objects to be created');
  checkNamespace(api, kind, path.namespace, placed.metadata.name);
  if (kind.plural === 'pods' && kind.group === '') await defaultAccount(api.objects, path.namespace, api.now());
  if (placed.metadata.name !== '') return insert(api, target, placed, parameters);
  for (let attempt = 1; ; attempt++) {
    const named = {
      ...placed,
      metadata: { ...placed.metadata, name: generateName(placed.metadata.generateName ?? '') },
    };
    try {
      return await insert(api, target, named, parameters);
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === 'AlreadyExists') || attempt === nameAttempts) throw error;
    }
  }
}

function insert(
  api: Api,
  target: WriteTarget,
  object: KubeObject,
  { dryRun, fieldManager }: Pick<WriteParameters, 'dryRun' | 'fieldManager'>,
): Promise<Written> {
  const { kind } = target;
  const { name, namespace = '' } = object.metadata;
  const author: Author = { manager: fieldManager, subresource: '' };
  return writeThrough(api, target, {
    namespace,
    name,
    subresource: '',
    dryRun,
    options: optionsOf('CreateOptions', fieldManager, dryRun),
    draft: (old) => {
      if (old) throw alreadyExists(kind, name);
      return object;
    },
    finish: (draft) => prepareCreate(api, kind, draft, author),
  });
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
  const { target, warnings } = warned(request, incoming);
  const { entry } = await changeObject(api, target, () => placed, author, parameters.dryRun);
  return objectResponse(200, entry, viewOf(api, request), warnings());
}

/** Replace an object by what `change` makes of it, in the version of the request. Throws 404. */
export function changeObject(
  api: Api,
  target: WriteTarget,
  change: (old: KubeObject) => KubeObject,
  author: Author,
  dryRun: boolean,
): Promise<Written> {
  const { kind, path } = target;
  const found = (old: KubeObject | undefined): KubeObject => {
    if (!old) throw notFound(kind, path.name);
    return old;
  };
  return writeThrough(api, target, {
    namespace: path.namespace,
    name: path.name,
    subresource: author.subresource,
    dryRun,
    options: optionsOf('UpdateOptions', author.manager, dryRun),
    draft: (old) => change(found(old)),
    finish: (draft, old) => prepareUpdate(api, kind, draft, found(old), author),
  });
}

/** The options of a write as webhooks see them. */
export function optionsOf(kind: string, fieldManager: string | undefined, dryRun: boolean): JsonRecord {
  const options = { kind, apiVersion: 'meta.k8s.io/v1', ...(fieldManager ? { fieldManager } : {}) };
  return dryRun ? { ...options, dryRun: ['All'] } : options;
}

/** The target of a request with somewhere to put the warnings of webhooks; they go out after those of the object. */
export function warned(
  request: ResourceRequest,
  incoming: Pick<Incoming, 'warnings'>,
): { readonly target: WriteTarget; readonly warnings: () => readonly string[] } {
  const { kind, path, user } = request;
  const told: string[] = [];
  const deprecation = kind.deprecationWarning === undefined ? [] : [kind.deprecationWarning];
  return {
    target: { kind, path, user, warn: (text) => told.push(text) },
    warnings: () => [...deprecation, ...incoming.warnings, ...told],
  };
}

/** Parameters of a write request. */
export function parametersOf({ query, http }: ResourceRequest): WriteParameters {
  return parseWriteParameters(query, http.headers['user-agent']);
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
