import type { KubeObject } from '@sluice/model';
import type { HttpResponse } from '@sluice/runtime';
import { decodeBody } from '../http/body.ts';
import { notFound } from '../http/status-error.ts';
import { convert } from '../objects/conversion.ts';
import { recordAt, withField } from '../objects/json.ts';
import type { Api, ResourceRequest } from './api.ts';
import { toObject } from './incoming.ts';
import { objectResponse } from './output.ts';
import { checkVersion } from './prepare.ts';
import { viewOf } from './read.ts';
import { parametersOf } from './write.ts';
import { decideUpdate } from './write-through.ts';

/** PUT of `/finalize`: how the namespace controller says that a namespace is empty. */
export async function finalizeNamespace(api: Api, request: ResourceRequest): Promise<HttpResponse> {
  const { kind, path, http } = request;
  const { dryRun, fieldValidation } = parametersOf(request);
  const { value } = await decodeBody(http);
  const { object } = toObject(kind, value, fieldValidation);
  const { entry } = await api.objects.write(
    'namespaces',
    path.name,
    (current) => {
      if (!current) throw notFound(kind, path.name);
      const old: KubeObject = convert(current.object, kind);
      checkVersion(kind, object, old);
      return decideUpdate(api, kind, withField(old, 'spec', { ...recordAt(object, 'spec') }));
    },
    dryRun,
  );
  return objectResponse(200, entry, viewOf(api, request));
}
