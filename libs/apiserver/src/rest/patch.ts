import type { Json, KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { decodeBody, mediaType } from '../http/body.ts';
import type { WriteParameters } from '../http/query.ts';
import { badRequest, notFound, StatusError } from '../http/status-error.ts';
import { groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import { isRecord, show } from '../objects/json.ts';
import { serverSideApply } from '../patch/apply.ts';
import { jsonMergePatch } from '../patch/json-merge.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { PatchError } from '../patch/patch-error.ts';
import { strategicMergePatch } from '../patch/strategic-merge.ts';
import type { Api, ResourceRequest } from './api.ts';
import { applyConflict } from './apply-conflict.ts';
import { checkNamespace, placeIn } from './identity.ts';
import { toObject } from './incoming.ts';
import { objectResponse } from './output.ts';
import { prepareCreate, prepareUpdate } from './prepare.ts';
import { viewOf } from './read.ts';
import { changeObject, optionsOf, parametersOf, warned } from './write.ts';
import { writeThrough } from './write-through.ts';

/** A function from a JSON value to the patched one. */
export type Patcher = (original: Json) => Json;

/** The patch types besides server-side apply. */
const mergePatch = 'application/merge-patch+json';
const strategicPatch = 'application/strategic-merge-patch+json';
const jsonPatchType = 'application/json-patch+json';
const applyTypes: ReadonlySet<string> = new Set(['application/apply-patch+yaml', 'application/apply-patch+cbor']);

/** PATCH of an object, or of its status. */
export async function patchFromBody(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const parameters = parametersOf(request);
  const type = mediaType(request.http);
  if (applyTypes.has(type)) return applyFromBody(api, request, parameters);
  const patcher = await readPatch(request, type);
  const { kind, path } = request;
  const incomings: string[] = [];
  const change = (old: KubeObject): KubeObject => {
    const patched = guard(() => patcher(old as unknown as Json));
    const incoming = toObject(kind, patched, parameters.fieldValidation, { patched: true });
    incomings.splice(0, incomings.length, ...incoming.warnings);
    if (incoming.object.metadata.name !== path.name) {
      throw badRequest(
        `the name of the object (${incoming.object.metadata.name}) does not match the name on the URL (${path.name})`,
      );
    }
    return placeIn(kind, incoming.object, path.namespace);
  };
  const author = { manager: parameters.fieldManager, subresource: path.subresource };
  const { target, warnings } = warned(request, { warnings: incomings });
  const { entry } = await changeObject(api, target, change, author, parameters.dryRun);
  return objectResponse(200, entry, viewOf(api, request), warnings());
}

/** Read the body as a patch of this type for values of the kind. Throws 400 and 415. */
export async function readPatch({ http, kind }: ResourceRequest, type: string, schema = kind.schema): Promise<Patcher> {
  const supported = [jsonPatchType, mergePatch, ...(kind.custom ? [] : [strategicPatch]), ...applyTypes];
  if (!supported.includes(type)) {
    throw new StatusError(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
    );
  }
  const { value } = await decodeBody(http, 'application/json');
  const patch = value as Json;
  if (type === jsonPatchType) return (original) => jsonPatch(original, patch);
  if (!isRecord(value)) throw badRequest('the patch must be a JSON object');
  if (type === mergePatch) return (original) => jsonMergePatch(original, patch);
  return (original) => strategicMergePatch(schema, original, patch);
}

/** Turns what a patch throws into an answer. */
export function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw new StatusError(error.code, reasons[error.code], error.message);
  }
}

const reasons: Readonly<Record<PatchError['code'], string>> = {
  400: 'BadRequest',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
};

async function applyFromBody(api: Api, request: ResourceRequest, parameters: WriteParameters): Promise<HttpResponse> {
  const { kind, path, query } = request;
  if ((query.get('fieldManager') ?? '') === '') {
    const message = 'Required value: is required for apply patch';
    throw new StatusError(422, 'Invalid', `PatchOptions.meta.k8s.io "" is invalid: fieldManager: ${message}`, {
      group: 'meta.k8s.io',
      kind: 'PatchOptions',
      causes: [{ reason: 'FieldValueRequired', message, field: 'fieldManager' }],
    });
  }
  const { value } = await decodeBody(request.http, 'application/yaml');
  const incoming = toObject(kind, requireTyped(kind, value, path.name), parameters.fieldValidation);
  if (incoming.object.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const applied = placeIn(kind, incoming.object, path.namespace);
  const { target, warnings } = warned(request, incoming);
  const { dryRun, fieldManager } = parameters;
  const author = { manager: undefined, subresource: path.subresource };
  const written = await writeThrough(api, target, {
    namespace: path.namespace,
    name: path.name,
    subresource: path.subresource,
    dryRun,
    options: optionsOf('PatchOptions', fieldManager, dryRun),
    draft: (old) => merged(api, request, parameters, applied, old),
    finish: (draft, old) =>
      old ? prepareUpdate(api, kind, draft, old, author) : prepareCreate(api, kind, draft, author),
  });
  const created = written.change === 'ADDED';
  return objectResponse(created ? 201 : 200, written.entry, viewOf(api, request), warnings());
}

function requireTyped(kind: KindInfo, value: unknown, name: string): unknown {
  if (!isRecord(value)) throw badRequest('the body of an apply patch must be an object');
  if (value['apiVersion'] === undefined || value['kind'] === undefined) {
    throw badRequest(`apply patch must have apiVersion and kind set, here ${groupVersionOf(kind)} and ${kind.kind}`);
  }
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {};
  const own = metadata['name'] ?? name;
  if (own !== name)
    throw badRequest(`the name of the object (${show(own)}) does not match the name on the URL (${name})`);
  return { ...value, metadata: { ...metadata, name } };
}

/** The live object with what is applied. Throws 404 and 409. */
function merged(
  api: Api,
  { kind, path }: ResourceRequest,
  { fieldManager: manager, force }: WriteParameters,
  applied: KubeObject,
  live: KubeObject | undefined,
): KubeObject {
  const { subresource } = path;
  if (!live && subresource !== '') throw notFound(kind, path.name);
  if (!live && (applied.metadata.uid ?? '') !== '') throw notFound(kind, path.name);
  const scope = subresource === '' ? {} : { subresource };
  const { object, conflicts } = guard(() =>
    serverSideApply({ kind, ...(live ? { live } : {}), applied, manager, force, ...scope, now: api.now() }),
  );
  if (conflicts.length > 0) throw applyConflict(conflicts);
  if (!live) checkNamespace(api, kind, path.namespace, path.name);
  return object;
}
