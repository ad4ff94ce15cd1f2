import { request } from 'node:https';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, type TestClient, testClient } from '../src/testing.ts';

let server: ApiServer;
let send: TestClient;
beforeAll(async () => {
  server = await startTestApiServer();
  send = testClient(server.handle);
});
afterAll(() => server.close());

const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';

async function mayGet(resource: string): Promise<unknown> {
  const { body } = await send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    spec: { user: 'ann', resourceAttributes: { verb: 'get', resource, namespace: 'default' } },
  });
  return body.status.allowed;
}

test('an aggregated ClusterRole allows what the roles with its labels allow, as soon as they are there', async () => {
  const clusterRoleSelectors = [{ matchLabels: { 'example.com/part-of': 'reader' } }];
  await send('POST', roles, { metadata: { name: 'reader' }, aggregationRule: { clusterRoleSelectors }, rules: [] });
  await send('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'ann' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'ann' }],
  });
  expect(await mayGet('pods')).toBe(false);
  const rules = [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }];
  await send('POST', roles, { metadata: { name: 'part', labels: { 'example.com/part-of': 'reader' } }, rules });
  await send('POST', roles, {
    metadata: { name: 'other', labels: { 'example.com/part-of': 'writer' } },
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['secrets'] }],
  });
  expect(await mayGet('pods')).toBe(true);
  expect(await mayGet('secrets')).toBe(false);
});

test.for([
  ['view', 'list', 'pods', true],
  ['view', 'list', 'secrets', false],
  ['view', 'create', 'pods', false],
  ['edit', 'list', 'pods', true],
  ['edit', 'create', 'pods', true],
  ['edit', 'create', 'roles', false],
  ['admin', 'create', 'deployments', true],
  ['admin', 'create', 'roles', true],
] as const)('who has the built-in role %s may %s %s: %s', async ([role, verb, resource, want]) => {
  const bindings = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings';
  await send('POST', bindings, {
    metadata: { name: `of-${role}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: `user-of-${role}` }],
  });
  const group = { roles: 'rbac.authorization.k8s.io', deployments: 'apps' }[resource as string] ?? '';
  const { body } = await send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    spec: { user: `user-of-${role}`, resourceAttributes: { verb, resource, group, namespace: 'default' } },
  });
  expect(body.status.allowed).toBe(want);
});

test('a role or binding may not give more than its author has, unless the author may escalate or bind', async () => {
  const asEve = (method: string, path: string, body: object) =>
    overNetwork(method, path, body, { 'impersonate-user': 'eve' });
  const grant = { verbs: ['create', 'update', 'patch'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'] };
  await send('POST', roles, {
    metadata: { name: 'granter' },
    rules: [grant, { verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
  });
  await send('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'eve' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'granter' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'eve' }],
  });
  const role = (name: string, resources: readonly string[]) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: [{ verbs: ['get'], apiGroups: [''], resources }],
  });
  expect(await asEve('POST', roles, role('fair', ['pods']))).toMatchObject({ status: 201 });
  const refused = await asEve('POST', roles, role('unfair', ['secrets']));
  expect(refused.status).toBe(403);
  expect(refused.body).toContain('is attempting to grant RBAC permissions not currently held');
  expect(JSON.parse(refused.body).message).toContain('{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}');
  const binding = {
    metadata: { name: 'all' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'other' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'eve' }],
  };
  const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  expect((await asEve('POST', bindings, binding)).status).toBe(403);
  const bind = { verbs: ['bind'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'] };
  await send('PATCH', `${roles}/granter`, { rules: [grant, bind] }, { contentType: 'application/merge-patch+json' });
  expect((await asEve('POST', bindings, binding)).status).toBe(201);
});

function overNetwork(
  method: string,
  path: string,
  body: object,
  more: Readonly<Record<string, string>>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { ...more, authorization: `Bearer ${server.token}`, 'content-type': 'application/json' };
    const sent = request(`${server.url}${path}`, { method, ca: server.ca, agent: false, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
    });
    sent.once('error', reject);
    sent.end(JSON.stringify(body));
  });
}
