import { type KubeObject, resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { type Running, silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeTemplate } from './builders.ts';
import { startControllerManager } from './controller-manager.ts';
import { type FakeKubelet, startFakeKubelet } from './fake-kubelet.ts';
import type { Job } from './job.ts';
import type { Service } from './service-endpoints.ts';
import type { StatefulSet } from './stateful-set.ts';
import type { Claim, Volume } from './volume-controller.ts';
import type { Deployment, Pod, ReplicaSet } from './workload.ts';

const namespace = 'ns';
const key = (name: string) => ({ namespace, name });

let kube: FakeKube;
let manager: Running;
let kubelet: FakeKubelet;

beforeEach(async () => {
  vi.useFakeTimers();
  kube = new FakeKube();
  kube.put(resources.namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
    spec: { finalizers: ['kubernetes'] },
  });
  kube.put(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'local' } });
  manager = await startControllerManager({ kube, log: silentLog });
  kubelet = await startFakeKubelet(kube);
});

afterEach(async () => {
  await kubelet.close();
  await manager.close();
  vi.useRealTimers();
});

/** Let everything happen that does not wait for the clock. */
async function settle(): Promise<void> {
  for (let quiet = 0, writes = -1; quiet < 3; quiet = kube.writes() === writes ? quiet + 1 : 0) {
    writes = kube.writes();
    await vi.advanceTimersByTimeAsync(1);
  }
}

function deployment(image = 'app:1', replicas = 3): Deployment {
  const spec = { replicas, selector: { matchLabels: { app: 'a' } }, template: makeTemplate(image) };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace }, spec };
}

async function deploy(image = 'app:1', replicas = 3): Promise<void> {
  await kube.apply(resources.deployments, deployment(image, replicas), { fieldManager: 'test' });
  await settle();
}

const pods = () => kube.objects<Pod>(resources.pods, namespace);
const sets = () => kube.objects<ReplicaSet>(resources.replicaSets, namespace);
const images = () => pods().map(({ spec }) => spec?.containers?.[0]?.['image']);
const status = () => kube.object<Deployment>(resources.deployments, key('d')).status;

test('a deployment becomes pods that serve', async () => {
  await deploy();
  expect(status()).toMatchObject({ replicas: 3, updatedReplicas: 3, availableReplicas: 3, observedGeneration: 1 });
  const [set] = sets();
  expect(set?.metadata.name).toMatch(/^d-[bcdfghjklmnpqrstvwxz2456789]+$/);
  expect(pods().every(({ metadata }) => metadata.name.startsWith(`${set?.metadata.name}-`))).toBe(true);
});

test('a new template replaces the pods, an old one brings its set back under a new revision', async () => {
  await deploy('app:1');
  await deploy('app:2');
  expect(images()).toEqual(['app:2', 'app:2', 'app:2']);
  await deploy('app:1');
  expect(images()).toEqual(['app:1', 'app:1', 'app:1']);
  const revisions = sets().map(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision']);
  expect(new Set(revisions)).toEqual(new Set(['2', '3']));
  const { annotations } = kube.object(resources.deployments, key('d')).metadata;
  expect(annotations?.['deployment.kubernetes.io/revision']).toBe('3');
});

test('a new version that never becomes ready leaves the old one serving', async () => {
  await deploy('app:1');
  kubelet.unready = ({ spec }) => spec?.containers?.[0]?.['image'] === 'app:2';
  await deploy('app:2');
  expect(images().filter((image) => image === 'app:1')).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(600_000);
  const progressing = status()?.conditions?.find(({ type }) => type === 'Progressing');
  expect(progressing).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
});

test('a settled cluster writes nothing', async () => {
  await deploy();
  const writes = kube.writes();
  kube.dropWatches();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(kube.writes()).toBe(writes);
});

test('a pod that is deleted is replaced, and a failed create is tried again', async () => {
  await deploy();
  kube.fail({ verb: 'create', resource: resources.pods, error: new Error('connection lost') });
  await kube.delete(resources.pods, key(pods()[0]?.metadata.name ?? ''));
  await vi.advanceTimersByTimeAsync(1_000);
  await settle();
  expect(pods()).toHaveLength(3);
});

test('a stale cache makes no pod twice', async () => {
  await deploy('app:1', 0);
  const release = kube.holdWatches(resources.pods);
  await deploy('app:1', 3);
  const [set] = sets();
  const body = { metadata: { annotations: { look: 'again' } } };
  await kube.patch(resources.replicaSets, key(set?.metadata.name ?? ''), { type: 'merge', body });
  await settle();
  expect(pods()).toHaveLength(3);
  release();
  await settle();
  expect(pods()).toHaveLength(3);
  expect(status()?.availableReplicas).toBe(3);
});

test('a deployment takes its sets and pods along when it is deleted', async () => {
  await deploy();
  await kube.delete(resources.deployments, key('d'));
  await settle();
  expect([...sets(), ...pods()]).toEqual([]);
});

test('in the foreground it goes last', async () => {
  await deploy();
  await kube.delete(resources.deployments, key('d'), { propagationPolicy: 'Foreground' });
  expect(kube.object(resources.deployments, key('d')).metadata.deletionTimestamp).toBeDefined();
  await settle();
  expect([...kube.objects(resources.deployments), ...sets(), ...pods()]).toEqual([]);
});

test('orphaned sets are adopted by the next deployment that selects them', async () => {
  await deploy();
  const [before] = sets();
  await kube.delete(resources.deployments, key('d'), { propagationPolicy: 'Orphan' });
  await settle();
  expect(sets()[0]?.metadata.ownerReferences).toEqual([]);
  await deploy();
  expect(sets().map(({ metadata }) => metadata.uid)).toEqual([before?.metadata.uid]);
  expect(pods()).toHaveLength(3);
});

test('a service has the addresses of the pods that serve', async () => {
  const ports = [{ port: 80, targetPort: 8080 }];
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'svc', namespace },
    spec: { selector: { app: 'a' }, ports },
  };
  await kube.create(resources.services, service);
  await deploy();
  type Slice = KubeObject & { readonly endpoints: readonly { readonly conditions: { readonly ready: boolean } }[] };
  const ready = () =>
    kube
      .objects<Slice>(resources.endpointSlices)
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ conditions }) => conditions.ready);
  expect(ready()).toHaveLength(3);
  await deploy('app:1', 1);
  expect(ready()).toHaveLength(1);
});

test('a job runs to its completion and a claim is bound', async () => {
  kubelet.outcome = ({ metadata }) => (metadata.labels?.['job'] ? 'Succeeded' : undefined);
  const selector = { matchLabels: { job: 'j' } };
  const template = makeTemplate('app:1', { job: 'j' });
  const job: Job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace },
    spec: { completions: 3, parallelism: 2, selector, template },
  };
  await kube.create(resources.jobs, job);
  const claim: Claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c', namespace },
    spec: { resources: { requests: { storage: '1Gi' } } },
  };
  await kube.create(resources.persistentVolumeClaims, claim);
  await settle();
  expect(kube.object<Job>(resources.jobs, key('j')).status).toMatchObject({ succeeded: 3, active: 0 });
  const bound = kube.object<Claim>(resources.persistentVolumeClaims, key('c'));
  expect(bound.status?.phase).toBe('Bound');
  expect(kube.object<Volume>(resources.persistentVolumes, { name: `pvc-${bound.metadata.uid}` }).status?.phase).toBe(
    'Bound',
  );
  expect(bound.metadata.annotations?.['sluice.dev/volume']).toBe(bound.metadata.uid);
  await kube.delete(resources.persistentVolumeClaims, key('c'));
  await settle();
  expect(kube.objects(resources.persistentVolumes)).toEqual([]);
});

test('a stateful set keeps names over an update', async () => {
  const spec = { replicas: 2, serviceName: 's', selector: { matchLabels: { app: 'a' } }, template: makeTemplate() };
  const set: StatefulSet = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 's', namespace }, spec };
  await kube.create(resources.statefulSets, set);
  await settle();
  await kube.patch(resources.statefulSets, key('s'), {
    type: 'merge',
    body: { spec: { template: makeTemplate('app:2') } },
  });
  await settle();
  expect(
    pods()
      .map(({ metadata }) => metadata.name)
      .toSorted(),
  ).toEqual(['s-0', 's-1']);
  expect(images()).toEqual(['app:2', 'app:2']);
  expect(kube.object(resources.statefulSets, key('s')).status).toMatchObject({ updatedReplicas: 2, readyReplicas: 2 });
});

test('events go an hour after they last occurred', async () => {
  await deploy();
  expect(kube.objects(resources.events).length).toBeGreaterThan(0);
  await vi.advanceTimersByTimeAsync(3_500_000);
  expect(kube.objects(resources.events).length).toBeGreaterThan(0);
  await vi.advanceTimersByTimeAsync(800_000);
  expect(kube.objects(resources.events)).toEqual([]);
});

test('a namespace has its service account, and takes its contents along', async () => {
  await deploy();
  expect(kube.object(resources.serviceAccounts, key('default'))).toBeDefined();
  await kube.delete(resources.namespaces, { name: namespace });
  await settle();
  expect([...kube.objects(resources.namespaces), ...kube.objects(resources.serviceAccounts), ...pods()]).toEqual([]);
});
