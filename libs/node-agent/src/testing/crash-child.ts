// Runs pods in a process of its own, to be killed by a test: node crash-child.ts <directory> <runtime> <pods as JSON>
import { resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { silentLog } from '@sluice/runtime';
import { startNodeAgent } from '../agent.ts';
import type { Pod } from '../pod/pod-spec.ts';
import { FakeImages } from './fake-images.ts';

const [directory = '', runtime = 'process', text = '[]'] = process.argv.slice(2);
const kube = new FakeKube();
const pods = JSON.parse(text) as Pod[];
const tools = { pathDirectories: [], readOnlyPaths: [] };
const images = new FakeImages();
const chosen = runtime === 'sandbox' ? 'sandbox' : 'process';
await startNodeAgent({ kube, directory, images, tools, log: silentLog, runtime: chosen });
for (const pod of pods) kube.put(resources.pods, pod);
const stop = new AbortController();
for await (const _ of kube.watch(resources.pods, { sendInitialEvents: true, signal: stop.signal })) {
  const now = kube.objects<Pod>(resources.pods);
  // A pod called `ended` is waited for to its end, the others until they run.
  const isThere = ({ metadata, status }: Pod): boolean =>
    status?.phase === 'Succeeded' || (status?.phase === 'Running' && metadata.name !== 'ended');
  if (now.length === pods.length && now.every(isThere)) break;
}
process.stdout.write(`${JSON.stringify(kube.objects(resources.pods))}\n`);
setInterval(() => {}, 1_000);
