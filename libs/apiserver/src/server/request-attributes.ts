import type { HttpRequest } from '@sluice/runtime';
import { parseResourcePath, type ResourcePath } from '../http/request-path.ts';

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** What a request does to what, as the audit log and the metrics say it. `path` is undefined for what is no resource. */
export type RequestAttributes = { readonly verb: string; readonly path: ResourcePath | undefined };

/** Read method and path; bodies do not count. */
export function attributesOf({ method, path: url }: Pick<HttpRequest, 'method' | 'path'>): RequestAttributes {
  const path = pathOf(url);
  const verb = verbs[method] ?? method.toLowerCase();
  if (!path || path.name !== '') return { verb, path };
  const isWatch = path.watch || /[?&]watch=(?:true|1)/u.test(url);
  if (verb === 'get') return { verb: isWatch ? 'watch' : 'list', path };
  return { verb: verb === 'delete' ? 'deletecollection' : verb, path };
}

function pathOf(url: string): ResourcePath | undefined {
  try {
    return parseResourcePath(url.split('?', 1)[0] ?? '');
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
