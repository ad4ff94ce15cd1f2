/** `npm run dev`: a cluster of its own in this process, the operator, and a sample. Ctrl-C ends it and leaves nothing. */
import { readFile } from 'node:fs/promises';
import { findCondition } from '@sluice/operator';
import { applyManifests, eventually, startTestCluster } from '@sluice/operator/testing';
import { operator } from '../src/operator.ts';
import { kind, type Sample } from '../src/kind.ts';

const cluster = await startTestCluster({ pods: true, log: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cluster.close().then(() => process.exit(0)));
}
await cluster.start(operator);
await applyManifests(cluster.kube, kind, await readFile(new URL('../example/sample.yaml', import.meta.url), 'utf8'));
const ready = await eventually('the sample is ready', async () => {
  const { items } = await cluster.kube.list<Sample>(kind);
  return items.every(({ status }) => findCondition(status?.conditions, 'Ready')?.status === 'True') && items;
});
for (const { metadata, status } of ready) {
  console.log(`Sample ${metadata.name}: ${findCondition(status?.conditions, 'Ready')?.message}`);
}
console.log(
  `\nThe operator works. In another terminal:\n\n  export KUBECONFIG=${cluster.kubeconfig}\n  kubectl get samples\n`,
);
