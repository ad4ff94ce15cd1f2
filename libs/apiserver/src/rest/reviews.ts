import type { HttpResponse } from '@sluice/runtime';
import { decodeBody } from '../http/body.ts';
import { json } from '../http/respond.ts';
import { badRequest, notFound, unknownResource } from '../http/status-error.ts';
import { isRecord, type JsonRecord, listAt, recordAt, textAt, valueAt } from '../objects/json.ts';
import type { Authenticator } from '../security/authenticator.ts';
import { attributesOfReview, type Authorizer } from '../security/authorizer.ts';
import { issuer, type ServiceAccountTokens } from '../security/service-account-tokens.ts';
import { type Api, type ResourceRequest, timeText, type User } from './api.ts';
import { toObject } from './incoming.ts';
import { parametersOf } from './write.ts';

/** What reviews ask. */
export type Reviewers = {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly tokens: ServiceAccountTokens;
};

/** POST of a kind that is answered and never stored. */
export async function answerReview(request: ResourceRequest, reviewers: Reviewers): Promise<HttpResponse> {
  const { kind, http } = request;
  const { value } = await decodeBody(http);
  const { object } = toObject(kind, value, parametersOf(request).fieldValidation);
  const status = await statusOf(request, recordAt(object, 'spec'), reviewers);
  return json(201, { ...object, metadata: { ...object.metadata, name: undefined, creationTimestamp: null }, status });
}

async function statusOf(request: ResourceRequest, spec: JsonRecord, reviewers: Reviewers): Promise<JsonRecord> {
  const { user, kind, path } = request;
  switch (kind.kind) {
    case 'SelfSubjectReview':
      return { userInfo: userInfo(user) };
    case 'SelfSubjectAccessReview':
      return reviewers.authorizer.review(user, attributesOfReview(spec, ''));
    case 'SubjectAccessReview':
      return reviewers.authorizer.review(subjectOf(spec), attributesOfReview(spec, ''));
    case 'LocalSubjectAccessReview':
      return reviewers.authorizer.review(subjectOf(spec), attributesOfReview(spec, path.namespace));
    case 'SelfSubjectRulesReview':
      return reviewers.authorizer.rules(user, textAt(spec, 'namespace'));
    case 'TokenReview':
      return tokenStatus(spec, reviewers.authenticator);
    default:
      throw unknownResource();
  }
}

async function tokenStatus(spec: JsonRecord, authenticator: Authenticator): Promise<JsonRecord> {
  const user = await authenticator.authenticate(textAt(spec, 'token'));
  if (!user) return { authenticated: false, error: 'the token is not known or has expired' };
  return { authenticated: true, user: userInfo(user), audiences: [issuer] };
}

function userInfo({ username, uid, groups, extra }: User): JsonRecord {
  return { username, ...(uid === undefined ? {} : { uid }), groups, ...(extra ? { extra } : {}) };
}

function subjectOf(spec: JsonRecord): User {
  const groups = listAt(spec, 'groups').filter((group) => typeof group === 'string');
  return { username: textAt(spec, 'user'), uid: textAt(spec, 'uid'), groups };
}

/** POST of `/token` of a service account. */
export async function requestToken(
  api: Api,
  request: ResourceRequest,
  tokens: ServiceAccountTokens,
): Promise<HttpResponse> {
  const { path, http, kind } = request;
  const { namespace, name } = path;
  const account = api.objects.collection('serviceaccounts').get(`${namespace}/${name}`);
  if (!account) throw notFound(kind, name);
  const { value = {} } = await decodeBody(http);
  if (!isRecord(value)) throw badRequest('the body must be a TokenRequest of authentication.k8s.io/v1');
  const asked = valueAt(value, 'spec', 'expirationSeconds');
  const seconds = Math.min(typeof asked === 'number' ? Math.max(600, asked) : 3_600, 86_400);
  const audiences = listAt(value, 'spec', 'audiences').filter((audience) => typeof audience === 'string');
  const bound = recordAt(value, 'spec', 'boundObjectRef');
  const token = await tokens.sign(
    {
      namespace,
      name,
      uid: account.object.metadata.uid ?? '',
      audiences: audiences.length > 0 ? audiences : [issuer],
      seconds,
      ...('kind' in bound
        ? { bound: { kind: textAt(bound, 'kind'), name: textAt(bound, 'name'), uid: textAt(bound, 'uid') } }
        : {}),
    },
    api.now(),
  );
  const expirationTimestamp = timeText(api.now() + seconds * 1_000);
  return json(201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timeText(api.now()) },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: 'kind' in bound ? bound : null },
    status: { token, expirationTimestamp },
  });
}
