import { randomUUID } from 'node:crypto';
import type { HttpRequest, HttpResponse } from '@sluice/runtime';
import type { ResourcePath } from '../http/request-path.ts';
import type { User } from '../rest/api.ts';
import { attributesOf } from './request-attributes.ts';

/** Takes one line of JSON for each answered request: an audit.k8s.io/v1 Event of level Metadata, without bodies. */
export type AuditSink = (line: string) => void;

/** The line for a request and its answer. */
export function auditLine(
  request: HttpRequest,
  user: User | undefined,
  response: HttpResponse,
  { receivedMs, answeredMs }: { readonly receivedMs: number; readonly answeredMs: number },
): string {
  const { verb, path } = attributesOf(request);
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: randomUUID(),
    stage: 'ResponseComplete',
    requestURI: request.path,
    verb,
    user: user ?? { username: 'system:anonymous', groups: ['system:unauthenticated'] },
    userAgent: request.headers['user-agent'] ?? '',
    ...(path ? { objectRef: referenceOf(path) } : {}),
    responseStatus: { metadata: {}, code: response.status },
    requestReceivedTimestamp: new Date(receivedMs).toISOString().replace('Z', '000Z'),
    stageTimestamp: new Date(answeredMs).toISOString().replace('Z', '000Z'),
  });
}

function referenceOf(path: ResourcePath): Readonly<Record<string, string>> {
  const parts = {
    resource: path.plural,
    namespace: path.namespace,
    name: path.name,
    apiGroup: path.group,
    apiVersion: path.version,
    subresource: path.subresource,
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== ''));
}
