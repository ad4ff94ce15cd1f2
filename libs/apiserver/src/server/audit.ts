import { randomUUID } from 'node:crypto';
import type { HttpRequest, HttpResponse } from '@sluice/runtime';
import { parseResourcePath } from '../http/request-path.ts';
import type { User } from '../rest/api.ts';

/** Takes one line of JSON for each answered request: an audit.k8s.io/v1 Event of level Metadata, without bodies. */
export type AuditSink = (line: string) => void;

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** The line for a request and its answer. */
export function auditLine(
  request: HttpRequest,
  user: User | undefined,
  response: HttpResponse,
  { receivedMs, answeredMs }: { readonly receivedMs: number; readonly answeredMs: number },
): string {
  const reference = referenceOf(request.path);
  const isWatch = /[?&]watch=(?:true|1)/u.test(request.path);
  const verb = verbs[request.method] ?? request.method.toLowerCase();
  const isCollection = reference !== undefined && reference['name'] === undefined;
  const collective = verb === 'get' ? (isWatch ? 'watch' : 'list') : verb === 'delete' ? 'deletecollection' : verb;
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: randomUUID(),
    stage: 'ResponseComplete',
    requestURI: request.path,
    verb: isCollection ? collective : verb,
    user: user ?? { username: 'system:anonymous', groups: ['system:unauthenticated'] },
    userAgent: request.headers['user-agent'] ?? '',
    ...(reference ? { objectRef: reference } : {}),
    responseStatus: { metadata: {}, code: response.status },
    requestReceivedTimestamp: new Date(receivedMs).toISOString().replace('Z', '000Z'),
    stageTimestamp: new Date(answeredMs).toISOString().replace('Z', '000Z'),
  });
}

function referenceOf(path: string): Readonly<Record<string, string>> | undefined {
  try {
    const found = parseResourcePath(path.split('?', 1)[0] ?? '');
    if (!found) return undefined;
    const parts = {
      resource: found.plural,
      namespace: found.namespace,
      name: found.name,
      apiGroup: found.group,
      apiVersion: found.version,
      subresource: found.subresource,
    };
    return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== ''));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
