import type { Json, KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { decodeBody, mediaType } from '../http/body.ts';
import { json } from '../http/respond.ts';
import { badRequest, conflict, invalid, modified, unknownResource } from '../http/status-error.ts';
import type { KindInfo, ScalePaths, TypeSchema } from '../kinds/kind.ts';
import { convert } from '../objects/conversion.ts';
import { isRecord, valueAt } from '../objects/json.ts';
import type { Api, ResourceRequest } from './api.ts';
import { guard, readPatch } from './patch.ts';
import { requireEntry, shown } from './read.ts';
import { changeObject, parametersOf } from './write.ts';

/** GET, PUT and PATCH of `/scale`: the object seen as an autoscaling/v1 Scale. */
export async function scaleRequest(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const { kind, http } = request;
  const paths = kind.subresources.scale;
  if (!paths) throw unknownResource();
  if (http.method === 'GET') {
    const entry = requireEntry(api, request);
    return shown(api, kind, [entry], () => json(200, toScale(convert(entry.object, kind), kind, paths)));
  }
  const parameters = parametersOf(request);
  const edit =
    http.method === 'PUT' ? await replacement(request) : await readPatch(request, mediaType(http), scaleSchema);
  const change = (old: KubeObject): KubeObject => {
    const before = toScale(old, kind, paths);
    const after = guard(() => edit(before as unknown as Json));
    const version = valueAt(after, 'metadata', 'resourceVersion');
    if (typeof version === 'string' && version !== '' && version !== old.metadata.resourceVersion) {
      throw conflict(kind, old.metadata.name, modified);
    }
    return setReplicas(old, paths.specPath, replicasOf(kind, old.metadata.name, after));
  };
  const author = { manager: parameters.fieldManager, subresource: 'scale' };
  const { entry } = await changeObject(api, request, change, author, parameters.dryRun);
  return json(200, toScale(convert(entry.object, kind), kind, paths));
}

/** A Scale has nothing to merge but scalars. */
const scaleSchema: TypeSchema = { type: 'object' };

async function replacement(request: ResourceRequest): Promise<(original: Json) => Json> {
  const { value } = await decodeBody(request.http);
  if (!isRecord(value)) throw badRequest('the body must be a Scale of autoscaling/v1');
  return () => value as Json;
}

function replicasOf(kind: KindInfo, name: string, scale: unknown): number {
  const replicas = valueAt(scale, 'spec', 'replicas') ?? 0;
  if (typeof replicas === 'number' && Number.isInteger(replicas) && replicas >= 0) return replicas;
  const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`;
  throw invalid({ ...kind, kind: 'Scale' }, name, [{ reason: 'FieldValueInvalid', message, field: 'spec.replicas' }]);
}

function toScale(object: KubeObject, kind: KindInfo, paths: ScalePaths): Record<string, unknown> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  // Built-in workloads keep their selector in the spec, custom kinds as text wherever the CRD says.
  const selectorPath = kind.custom ? paths.selectorPath : '.spec.selector';
  const selector = selectorPath === undefined ? '' : selectorText(valueAt(object, ...split(selectorPath)));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, paths.specPath) },
    status: { replicas: numberAt(object, paths.statusPath), ...(selector === '' ? {} : { selector }) },
  };
}

function split(path: string): string[] {
  return path.split('.').filter((part) => part !== '');
}

function numberAt(object: KubeObject, path: string): number {
  const value = valueAt(object, ...split(path));
  return typeof value === 'number' ? value : 0;
}

/** A selector as text: custom kinds keep it as text, workloads as a LabelSelector, ReplicationController as a map. */
function selectorText(selector: unknown): string {
  if (typeof selector === 'string') return selector;
  if (!isRecord(selector)) return '';
  const { matchLabels, matchExpressions } = selector;
  if (matchLabels === undefined && matchExpressions === undefined) return labelsText(selector);
  const expressions = (Array.isArray(matchExpressions) ? matchExpressions : []).filter(isRecord).map(expressionText);
  return [labelsText(matchLabels), ...expressions].filter((part) => part !== '').join(',');
}

function labelsText(labels: unknown): string {
  if (!isRecord(labels)) return '';
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join(',');
}

function expressionText({ key, operator, values }: Readonly<Record<string, unknown>>): string {
  const list = Array.isArray(values) ? values.join(',') : '';
  if (operator === 'Exists') return String(key);
  if (operator === 'DoesNotExist') return `!${String(key)}`;
  return `${String(key)} ${operator === 'In' ? 'in' : 'notin'} (${list})`;
}

function setReplicas(object: KubeObject, path: string, replicas: number): KubeObject {
  return setAt(object, split(path), replicas) as KubeObject;
}

function setAt(value: unknown, path: readonly string[], leaf: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return leaf;
  const record = isRecord(value) ? value : {};
  return { ...record, [name]: setAt(record[name], rest, leaf) };
}
