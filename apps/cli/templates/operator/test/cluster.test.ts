import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chartFiles, findCondition, resources } from '@sluice/operator';
import { eventually, startTestCluster, type TestCluster } from '@sluice/operator/testing';
import { readFile } from 'node:fs/promises';
import { operator } from '../src/operator.ts';
import { kind, type Sample } from '../src/kind.ts';

// A real API server in this process, real pods, and the operator under its own service account.
let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster({ pods: true });
  await cluster.start(operator);
});
after(() => cluster.close());

const key = { namespace: 'default', name: 'hello' };
const metadata = { ...key };

test('the API server refuses what the schema forbids', async () => {
  await assert.rejects(cluster.kube.create(kind, kind.build(metadata, { text: '' })), /spec\.text/);
  const closed = kind.build(metadata, { text: 'open', servers: 0 });
  await assert.rejects(cluster.kube.create(kind, closed), /without servers the text must be "closed"/);
});

test('a Sample serves, follows its spec, and takes its servers with it', async () => {
  await cluster.kube.create(kind, kind.build(metadata, { text: 'Hello' }));
  await eventually('ready', async () => {
    const stored = await cluster.kube.get<Sample>(kind, key);
    return findCondition(stored?.status?.conditions, 'Ready')?.status === 'True';
  });
  await cluster.kube.patch(kind, key, { type: 'merge', body: { spec: { servers: 2 } } });
  await eventually('two servers', async () => (await cluster.kube.get<Sample>(kind, key))?.status?.servers === 2);
  await cluster.kube.delete(kind, key);
  await eventually('nothing left', async () => {
    const { items } = await cluster.kube.list(resources.deployments, { namespace: 'default' });
    return items.length === 0;
  });
});

test('the chart has the kind and the rights of the operator as they are', async () => {
  for (const [path, text] of await chartFiles(operator)) {
    const file = new URL(`../chart/${path}`, import.meta.url);
    assert.equal(await readFile(file, 'utf8'), text, `chart/${path} is stale; write it with: npm run chart`);
  }
});
