import type { KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { decodeBody } from '../http/body.ts';
import { json } from '../http/respond.ts';
import { badRequest, conflict } from '../http/status-error.ts';
import { isRecord, recordAt, textAt, withField } from '../objects/json.ts';
import { spendDisruption } from '../admission/disruption-budget.ts';
import { scheduled } from '../strategies/pod.ts';
import type { Api, ResourceRequest } from './api.ts';
import { admitDelete, deleteObject, toDeleteOptions } from './delete.ts';
import { keyIn } from './read.ts';
import { changeObject, parametersOf } from './write.ts';

const created = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** POST of a Binding: puts a pod on a node, once. `request` names the pod. */
export async function bindPod(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const { value } = await decodeBody(request.http);
  const node = textAt(value, 'target', 'name');
  if (node === '') throw badRequest('a Binding needs target.name, the name of a node');
  const parameters = parametersOf(request);
  const bind = (pod: KubeObject): KubeObject => {
    const { name, deletionTimestamp } = pod.metadata;
    const bound = textAt(pod, 'spec', 'nodeName');
    if (deletionTimestamp !== undefined)
      throw conflict(request.kind, name, `pod ${name} is being deleted, cannot be assigned to a host`);
    if (bound !== '') throw conflict(request.kind, name, `pod ${name} is already assigned to node "${bound}"`);
    const placed = withField(pod, 'spec', { ...recordAt(pod, 'spec'), nodeName: node });
    return scheduled(placed, api.now());
  };
  const author = { manager: parameters.fieldManager, subresource: 'binding' };
  await changeObject(api, request, bind, author, parameters.dryRun);
  return json(201, created);
}

/** POST of an Eviction: a deletion that a disruption budget may refuse. */
export async function evictPod(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const { value } = await decodeBody(request.http);
  if (!isRecord(value)) throw badRequest('the body must be an Eviction of policy/v1');
  const options = toDeleteOptions(recordAt(value, 'deleteOptions'), request.query);
  const pod = api.objects.collection('pods').get(keyIn(request.path.namespace, request.path.name));
  if (pod) await spendDisruption(api, pod.object, parametersOf(request).dryRun);
  await admitDelete(api, request, request.path, options);
  await deleteObject(api, request.kind, keyIn(request.path.namespace, request.path.name), options);
  return json(201, created);
}
