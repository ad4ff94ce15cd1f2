import { resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { expect, test } from 'vitest';
import { limitAccess, toPolicyRules } from './access.ts';

const { configMaps, deployments, pods, secrets } = resources;
const key = { namespace: 'default', name: 'a' };
const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key };

test('rules of a role name each resource once and join those with the same verbs', () => {
  const rules = toPolicyRules([
    { resource: configMaps, verbs: ['patch', 'get'] },
    { resource: secrets, verbs: ['get'] },
    { resource: secrets, verbs: ['patch'] },
    { resource: deployments, verbs: ['get'] },
    { resource: deployments, subresource: 'status', verbs: ['patch'] },
  ]);
  expect(rules).toEqual([
    { apiGroups: [''], resources: ['configmaps', 'secrets'], verbs: ['get', 'patch'] },
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] },
    { apiGroups: ['apps'], resources: ['deployments/status'], verbs: ['patch'] },
  ]);
});

test('rules for some names are kept apart', () => {
  const rules = toPolicyRules([
    { resource: secrets, verbs: ['get'], names: ['a'] },
    { resource: secrets, verbs: ['create'] },
  ]);
  expect(rules).toContainEqual({ apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs: ['get'] });
  expect(rules).toContainEqual({ apiGroups: [''], resources: ['secrets'], verbs: ['create'] });
});

test('what no rule allows is refused as forbidden, with what to declare', async () => {
  const kube = limitAccess(new FakeKube(), [{ resource: configMaps, verbs: ['get', 'create'] }]);
  await kube.create(configMaps, map);
  await expect(kube.get(configMaps, key)).resolves.toMatchObject({ kind: 'ConfigMap' });
  await expect(kube.delete(configMaps, key)).rejects.toMatchObject({ code: 403, reason: 'Forbidden' });
  await expect(kube.get(secrets, key)).rejects.toThrow(
    /cannot|does not allow it to get resource "secrets".*declare it/,
  );
  await expect(kube.list(configMaps)).rejects.toMatchObject({ code: 403 });
  expect(() => kube.watch(configMaps, { signal: new AbortController().signal })).toThrow(/watch/);
  expect(() => kube.logs({ namespace: 'default', name: 'p' })).toThrow(/pods\/log/);
});

test('server-side apply is a patch, and a create where there is nothing', async () => {
  const fake = new FakeKube();
  const kube = limitAccess(fake, [{ resource: configMaps, verbs: ['patch', 'get'] }]);
  await expect(kube.apply(configMaps, map, { fieldManager: 'x' })).rejects.toThrow(/create/);
  fake.put(configMaps, map);
  await kube.apply(configMaps, map, { fieldManager: 'x' });
});

test('a subresource needs a rule of its own, and names limit to objects of these names', async () => {
  const fake = new FakeKube();
  fake.put(pods, { apiVersion: 'v1', kind: 'Pod', metadata: key });
  const kube = limitAccess(fake, [{ resource: pods, verbs: ['patch'], names: ['a'] }]);
  const patch = { type: 'merge', body: { metadata: { labels: { x: 'y' } } } } as const;
  await kube.patch(pods, key, patch);
  await expect(kube.patch(pods, key, patch, { subresource: 'status' })).rejects.toThrow(/pods\/status/);
  await expect(kube.patch(pods, { ...key, name: 'b' }, patch)).rejects.toMatchObject({ code: 403 });
});
