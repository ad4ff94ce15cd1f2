import { expect, test } from 'vitest';
import { parseResourcePath } from './request-path.ts';

const base = { group: '', version: 'v1', namespace: '', name: '', subresource: '', watch: false };
test.for([
  { path: '/api/v1/pods', want: { ...base, plural: 'pods' } },
  { path: '/api/v1/nodes/n/status', want: { ...base, plural: 'nodes', name: 'n', subresource: 'status' } },
  { path: '/api/v1/namespaces', want: { ...base, plural: 'namespaces' } },
  { path: '/api/v1/namespaces/a', want: { ...base, plural: 'namespaces', name: 'a' } },
  {
    path: '/api/v1/namespaces/a/finalize',
    want: { ...base, plural: 'namespaces', name: 'a', subresource: 'finalize' },
  },
  { path: '/api/v1/namespaces/a/pods', want: { ...base, plural: 'pods', namespace: 'a' } },
  {
    path: '/api/v1/namespaces/a/pods/p/log',
    want: { ...base, plural: 'pods', namespace: 'a', name: 'p', subresource: 'log' },
  },
  { path: '/apis/apps/v1/deployments', want: { ...base, group: 'apps', plural: 'deployments' } },
  {
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles/My%3ARole',
    want: { ...base, group: 'rbac.authorization.k8s.io', plural: 'clusterroles', name: 'My:Role' },
  },
  { path: '/api/v1/watch/namespaces/a/pods', want: { ...base, plural: 'pods', namespace: 'a', watch: true } },
  { path: '/api/v1', want: undefined },
  { path: '/apis/apps', want: undefined },
  { path: '/apis/apps/v1', want: undefined },
  { path: '/version', want: undefined },
  { path: '/api/v1/namespaces/a/pods/p/log/more', want: undefined },
  { path: '/api/v1/nodes/n/status/more', want: undefined },
])('$path', ({ path, want }) => {
  expect(parseResourcePath(path)).toEqual(want);
});
