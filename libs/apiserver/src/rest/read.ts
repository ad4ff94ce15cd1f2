import type { HttpResponse } from '@sluice/runtime';
import { type ListParameters, parseListParameters } from '../http/query.ts';
import { badRequest, expired, notFound, StatusError, tooLargeVersion } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import type { Entry } from '../objects/entry.ts';
import { isRecord } from '../objects/json.ts';
import { storageId } from '../registry/kind-registry.ts';
import type { Api, ResourceRequest } from './api.ts';
import { listResponse, objectResponse, type View } from './output.ts';
import { parseSelection } from './selection.ts';

/** `namespace/name`, or `name`. */
export function keyIn(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** The stored entry behind a path. Throws 404. */
export function requireEntry(api: Api, { kind, path }: Pick<ResourceRequest, 'kind' | 'path'>): Entry {
  const entry = api.objects.collection(storageId(kind)).get(keyIn(path.namespace, path.name));
  if (!entry) throw notFound(kind, path.name);
  return entry;
}

/** How the request wants objects shown. */
export function viewOf(api: Api, { kind, representation, query }: ResourceRequest): View {
  return { kind, representation, includeObject: query.get('includeObject') ?? 'Metadata', now: api.now() };
}

/** GET of one object. */
export function getObject(api: Api, request: ResourceRequest): HttpResponse | Promise<HttpResponse> {
  const entry = requireEntry(api, request);
  return shown(api, request.kind, [entry], () => objectResponse(200, entry, viewOf(api, request)));
}

/** Make an answer once its objects can be had in the version of the kind; at once where no webhook is needed for that. */
export function shown<T>(api: Api, kind: KindInfo, entries: readonly Entry[], make: () => T): T | Promise<T> {
  if (!kind.conversion) return make();
  const objects = entries.map(({ object }) => object);
  return api.conversions.ready(objects, kind).then(make);
}

/** GET of a collection. */
export function listObjects(api: Api, request: ResourceRequest): HttpResponse | Promise<HttpResponse> {
  const { kind, path, query } = request;
  const parameters = parseListParameters(query);
  const selection = parseSelection(kind, parameters);
  const prefix = path.namespace === '' ? '' : `${path.namespace}/`;
  const snapshot = snapshotOf(api, request, parameters, prefix);
  const selected = selection.everything
    ? snapshot.entries
    : snapshot.entries.filter(({ object }) => selection.matches(object));
  const { limit } = parameters;
  const page = limit > 0 && selected.length > limit ? selected.slice(0, limit) : selected;
  const last = page.at(-1);
  const more = page.length < selected.length && last !== undefined;
  const meta = {
    resourceVersion: String(snapshot.version),
    ...(more ? { continue: continueToken(snapshot.version, last.key) } : {}),
    ...(more && selection.everything ? { remainingItemCount: selected.length - page.length } : {}),
  };
  return shown(api, kind, page, () => listResponse(page, viewOf(api, request), meta));
}

type Snapshot = { readonly version: number; readonly entries: readonly Entry[] };

function snapshotOf(api: Api, { kind }: ResourceRequest, parameters: ListParameters, prefix: string): Snapshot {
  const collection = api.objects.collection(storageId(kind));
  const current = api.objects.version;
  const match = parameters.resourceVersionMatch;
  if (parameters.continue !== '') {
    if (match !== '') throw badRequest('resourceVersionMatch is forbidden for continue');
    if (!['', '0'].includes(parameters.resourceVersion))
      throw badRequest('specifying resource version is not allowed when using continue');
    const token = parseContinueToken(parameters.continue);
    const entries = collection.listAt(prefix, token.version);
    if (!entries) throw expired(continueExpired);
    return { version: token.version, entries: entries.filter(({ key }) => key > token.after) };
  }
  const asked = parseVersion(parameters.resourceVersion);
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    throw badRequest(`resourceVersionMatch: Unsupported value: "${match}": supported values: "Exact", "NotOlderThan"`);
  }
  if (match !== '' && parameters.resourceVersion === '') {
    throw badRequest(
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    );
  }
  if (asked > current) throw tooLargeVersion(asked, current);
  if (match !== 'Exact') return { version: current, entries: collection.list(prefix) };
  if (asked === 0) throw badRequest('resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
  const entries = collection.listAt(prefix, asked);
  if (!entries) throw expired(`The resourceVersion for the provided list is too old.`);
  return { version: asked, entries };
}

const continueExpired =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.';

/** A resourceVersion parameter; '' counts as 0. Throws 400 for what this server never gave out. */
export function parseVersion(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,15}$/.test(text)) {
    throw new StatusError(
      400,
      'BadRequest',
      `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  return Number(text);
}

function continueToken(version: number, after: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: after })).toString('base64url');
}

function parseContinueToken(token: string): { version: number; after: string } {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (isRecord(parsed) && typeof parsed['rv'] === 'number' && typeof parsed['start'] === 'string') {
      return { version: parsed['rv'], after: parsed['start'] };
    }
  } catch {
    // told below, with every other malformed token
  }
  throw badRequest('continue key is not valid: it must be the value that an earlier list returned');
}
