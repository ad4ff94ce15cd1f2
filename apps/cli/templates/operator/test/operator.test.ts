import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf, resources } from '@sluice/operator';
import { eventually, FakeKube, runOnFake } from '@sluice/operator/testing';
import { operator } from '../src/operator.ts';
import { kind, type Sample } from '../src/kind.ts';

// No cluster: a fake API server, and exactly the rights that the operator declares.
test('a Sample gets its servers, and is ready when they are', async () => {
  const kube = new FakeKube();
  const metadata = { namespace: 'default', name: 'hello' };
  const created = await kube.create(kind, kind.build(metadata, { text: 'Hello', servers: 2 }));
  const running = await runOnFake(operator, kube);
  try {
    const deployment = await eventually('a Deployment', async () => kube.objects(resources.deployments)[0]);
    assert.partialDeepStrictEqual(deployment.spec, { replicas: 2 });
    assert.equal(deployment.metadata.ownerReferences?.[0]?.uid, created.metadata.uid);

    kube.put(resources.deployments, { ...deployment, status: { readyReplicas: 2 } });
    const status = await eventually('the status', async () => {
      const stored = kube.object<Sample>(kind, keyOf(created));
      return stored.status?.servers === 2 && stored.status;
    });
    assert.partialDeepStrictEqual(status.conditions, [{ type: 'Ready', status: 'True', reason: 'Serving' }]);
  } finally {
    await running.close();
  }
});
