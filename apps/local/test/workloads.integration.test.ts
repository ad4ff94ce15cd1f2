import { type KubeObject, resources } from '@sluice/model';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { podTemplate, replicated, type Seen, type Space, startWorkloads, type Workloads } from './workloads.ts';

// The controllers against the embedded API server, as charts meet them: validation, defaults, status subresources, conflicts and
// garbage collection are the server's. The rules themselves have their tests in libs/controller-manager.
let cluster: Workloads;
let count = 0;
let space: Space;
beforeAll(async () => {
  cluster = await startWorkloads();
});
afterAll(() => cluster.close());
afterEach(() => {
  cluster.kubelet.unready = () => false;
  cluster.kubelet.outcome = () => undefined;
});

const fresh = async (): Promise<Space> => (space = await cluster.namespace(`space-${++count}`));
const imageOf = (pod: Seen): string => pod.spec.containers[0].image;
const names = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name).toSorted();
const gone = async (read: () => Promise<readonly unknown[]>): Promise<void> => {
  await expect.poll(read, { timeout: 10_000 }).toEqual([]);
};

describe('a Deployment', () => {
  const { deployments, replicaSets, pods } = resources;
  const ready = (replicas: number) => ({
    status: { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas },
  });

  test('rolls out, keeps its history, rolls back and is scaled', async () => {
    await fresh();
    await space.create(deployments, 'web', { ...replicated('web', 3), revisionHistoryLimit: 2 });
    await space.until(deployments, 'web', ready(3));
    for (const image of ['app:2', 'app:3', 'app:4', 'app:1']) {
      await space.patch(deployments, 'web', { spec: { template: podTemplate('web', image) } });
      await expect.poll(async () => (await space.list(pods)).map(imageOf)).toEqual([image, image, image]);
    }
    const { metadata } = await space.until(deployments, 'web', ready(3));
    expect(metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('5');
    await expect.poll(async () => (await space.list(replicaSets)).length).toBe(3);
    await space.patch(deployments, 'web', { spec: { replicas: 1 } });
    await space.until(deployments, 'web', ready(1));
  });

  test('keeps serving through a version that does not become ready, says so at its deadline, and mends', async () => {
    await fresh();
    await space.create(deployments, 'web', { ...replicated('web', 4), progressDeadlineSeconds: 1 });
    await space.until(deployments, 'web', ready(4));
    cluster.kubelet.unready = (pod) => pod.spec?.containers?.[0]?.['image'] === 'app:bad';
    await space.patch(deployments, 'web', { spec: { template: podTemplate('web', 'app:bad') } });
    const reason = 'ProgressDeadlineExceeded';
    const told = await space.until(deployments, 'web', {
      status: {
        conditions: expect.arrayContaining([expect.objectContaining({ type: 'Progressing', status: 'False', reason })]),
      },
    });
    expect(told.status).toMatchObject({ updatedReplicas: 2, availableReplicas: 3, unavailableReplicas: 2 });
    await space.patch(deployments, 'web', { spec: { template: podTemplate('web', 'app:1') } });
    await space.until(deployments, 'web', ready(4));
  });

  test('does nothing new while it is paused', async () => {
    await fresh();
    await space.create(deployments, 'web', replicated('web', 1));
    await space.until(deployments, 'web', ready(1));
    await space.patch(deployments, 'web', { spec: { paused: true, template: podTemplate('web', 'app:2') } });
    await space.until(deployments, 'web', {
      status: {
        observedGeneration: 2,
        conditions: expect.arrayContaining([expect.objectContaining({ reason: 'DeploymentPaused' })]),
      },
    });
    expect((await space.list(pods)).map(imageOf)).toEqual(['app:1']);
    await space.patch(deployments, 'web', { spec: { paused: false } });
    await expect.poll(async () => (await space.list(pods)).map(imageOf)).toEqual(['app:2']);
  });

  const serves = async (): Promise<void> => {
    await fresh();
    await space.create(deployments, 'web', replicated('web', 2));
    await space.until(deployments, 'web', ready(2));
  };

  test.for(['Background', 'Foreground'] as const)(
    'takes its sets and pods along when deleted in the %s',
    async (policy) => {
      await serves();
      await space.delete(deployments, 'web', policy);
      await expect.poll(() => space.get(deployments, 'web')).toBeUndefined();
      await gone(async () => [...(await space.list(replicaSets)), ...(await space.list(pods))]);
      expect(await space.get(deployments, 'web')).toBeUndefined();
    },
  );

  test('leaves them behind as orphans when told so', async () => {
    await serves();
    await space.delete(deployments, 'web', 'Orphan');
    await expect.poll(() => space.get(deployments, 'web')).toBeUndefined();
    expect((await space.list(replicaSets)).map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[]]);
    expect(await space.list(pods)).toHaveLength(2);
  });
});

describe('a StatefulSet', () => {
  const { statefulSets, pods, persistentVolumeClaims } = resources;
  const claimTemplate = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
  };
  const spec = { ...replicated('db', 3), serviceName: 'db', volumeClaimTemplates: [claimTemplate] };
  const ready = (replicas: number) => ({ status: { replicas, readyReplicas: replicas } });

  test('has pods in order with claims of their own, which outlive them', async () => {
    await fresh();
    let most = 0;
    cluster.kubelet.unready = (pod) => {
      most = Math.max(most, Number(pod.metadata.name.split('-').at(-1)));
      return false;
    };
    await space.create(statefulSets, 'db', spec);
    await space.until(statefulSets, 'db', ready(3));
    expect([most, names(await space.list(pods))]).toEqual([2, ['db-0', 'db-1', 'db-2']]);
    const claims = await space.list(persistentVolumeClaims);
    expect(names(claims)).toEqual(['data-db-0', 'data-db-1', 'data-db-2']);
    expect(claims.map(({ status }) => status.phase)).toEqual(['Bound', 'Bound', 'Bound']);
    await space.patch(statefulSets, 'db', { spec: { replicas: 1 } });
    await expect.poll(async () => names(await space.list(pods))).toEqual(['db-0']);
    expect(await space.list(persistentVolumeClaims)).toHaveLength(3);
  });

  test('updates only down to its partition, and a pod that is lost below it comes back as it was', async () => {
    await fresh();
    await space.create(statefulSets, 'db', { ...spec, updateStrategy: { rollingUpdate: { partition: 2 } } });
    await space.until(statefulSets, 'db', ready(3));
    await space.patch(statefulSets, 'db', { spec: { template: podTemplate('db', 'app:2') } });
    const images = async () =>
      Object.fromEntries((await space.list(pods)).map((pod) => [pod.metadata.name, imageOf(pod)]));
    await expect.poll(images).toEqual({ 'db-0': 'app:1', 'db-1': 'app:1', 'db-2': 'app:2' });
    const { metadata } = await space.until(pods, 'db-0', {});
    await space.delete(pods, 'db-0');
    await expect.poll(async () => (await space.get(pods, 'db-0'))?.metadata.uid ?? metadata.uid).not.toBe(metadata.uid);
    expect(await images()).toEqual({ 'db-0': 'app:1', 'db-1': 'app:1', 'db-2': 'app:2' });
    await space.patch(statefulSets, 'db', { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
    await expect.poll(images).toEqual({ 'db-0': 'app:2', 'db-1': 'app:2', 'db-2': 'app:2' });
  });

  test('gives claims away with what it gives up, where it is told to', async () => {
    await fresh();
    const persistentVolumeClaimRetentionPolicy = { whenScaled: 'Delete', whenDeleted: 'Delete' };
    await space.create(statefulSets, 'db', { ...spec, persistentVolumeClaimRetentionPolicy });
    await space.until(statefulSets, 'db', ready(3));
    await space.patch(statefulSets, 'db', { spec: { replicas: 1 } });
    await expect
      .poll(async () => names(await space.list(persistentVolumeClaims)), { timeout: 10_000 })
      .toEqual(['data-db-0']);
    await space.delete(statefulSets, 'db');
    await gone(() => space.list(persistentVolumeClaims));
  });
});

test('a DaemonSet has one pod on the node, and replaces it', async () => {
  await fresh();
  const { replicas: _, ...spec } = replicated('agent', 1);
  await space.create(resources.daemonSets, 'agent', spec);
  await space.until(resources.daemonSets, 'agent', { status: { desiredNumberScheduled: 1, numberReady: 1 } });
  await space.patch(resources.daemonSets, 'agent', { spec: { template: podTemplate('agent', 'app:2') } });
  await expect.poll(async () => (await space.list(resources.pods)).map(imageOf)).toEqual(['app:2']);
  await space.until(resources.daemonSets, 'agent', { status: { updatedNumberScheduled: 1, numberAvailable: 1 } });
});

describe('a Job', () => {
  const { jobs, pods } = resources;
  const template = podTemplate('job', 'app:1', { restartPolicy: 'Never' });
  const ended = (type: string, reason: string) => ({
    status: { conditions: expect.arrayContaining([expect.objectContaining({ type, status: 'True', reason })]) },
  });

  test('runs its indexes side by side and is gone after its time to live', async () => {
    await fresh();
    cluster.kubelet.outcome = () => 'Succeeded';
    const { metadata } = await space.create(jobs, 'job', {
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 2,
      template,
      ttlSecondsAfterFinished: 1,
    });
    const done = await space.until(jobs, 'job', ended('Complete', 'CompletionsReached'));
    expect(done.status).toMatchObject({ succeeded: 3, completedIndexes: '0-2', completionTime: expect.any(String) });
    expect((await space.list(pods, `batch.kubernetes.io/controller-uid=${metadata.uid}`)).length).toBe(3);
    await expect.poll(() => space.get(jobs, 'job'), { timeout: 10_000 }).toBeUndefined();
    await gone(() => space.list(pods));
  });

  test('gives up at its limit, and at its deadline', async () => {
    await fresh();
    cluster.kubelet.outcome = ({ metadata }) => (metadata.name.startsWith('bad') ? 'Failed' : undefined);
    await space.create(jobs, 'bad', { template, backoffLimit: 0 });
    await space.until(jobs, 'bad', ended('Failed', 'BackoffLimitExceeded'));
    await space.create(jobs, 'slow', { template, activeDeadlineSeconds: 1 });
    await space.until(jobs, 'slow', ended('Failed', 'DeadlineExceeded'));
    await gone(() => space.list(pods, 'batch.kubernetes.io/job-name=slow'));
    expect(await space.get(jobs, 'slow')).toMatchObject({ status: { failed: 0 } });
  });

  test('is suspended and goes on', async () => {
    await fresh();
    await space.create(jobs, 'job', { template, suspend: true });
    await space.until(jobs, 'job', ended('Suspended', 'JobSuspended'));
    expect(await space.list(pods)).toEqual([]);
    cluster.kubelet.outcome = () => 'Succeeded';
    await space.patch(jobs, 'job', { spec: { suspend: false } });
    await space.until(jobs, 'job', ended('Complete', 'CompletionsReached'));
  });

  test('with a policy for failures and for success is taken as it is written', async () => {
    await fresh();
    cluster.kubelet.outcome = ({ metadata }) => (metadata.name.startsWith('some-0') ? 'Succeeded' : undefined);
    await space.create(jobs, 'some', {
      completionMode: 'Indexed',
      completions: 2,
      parallelism: 2,
      backoffLimitPerIndex: 1,
      template,
      podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] },
      successPolicy: { rules: [{ succeededIndexes: '0' }] },
    });
    const done = await space.until(jobs, 'some', ended('Complete', 'SuccessPolicy'));
    expect(done.status).toMatchObject({ succeeded: 1, completedIndexes: '0' });
  });
});

test('a CronJob starts what is due, once, and keeps its history short', async () => {
  await fresh();
  cluster.kubelet.outcome = () => 'Succeeded';
  const template = podTemplate('tick', 'app:1', { restartPolicy: 'OnFailure' });
  const jobTemplate = { spec: { template } };
  await space.create(resources.cronJobs, 'tick', { schedule: '*/1 * * * *', suspend: true, jobTemplate });
  // The minute that has just begun is due for an object that was made before it.
  const lastScheduleTime = `${new Date(Date.now() - 61_000).toISOString().slice(0, 19)}Z`;
  const key = { namespace: space.name, name: 'tick' };
  const status = { type: 'merge', body: { status: { lastScheduleTime } } } as const;
  await cluster.kube.patch(resources.cronJobs, key, status, { subresource: 'status' });
  await space.patch(resources.cronJobs, 'tick', { spec: { suspend: false } });
  const done = await space.until(resources.cronJobs, 'tick', { status: { lastSuccessfulTime: expect.any(String) } });
  const [job] = await space.list(resources.jobs);
  expect(job?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']).toBe(
    done.status.lastScheduleTime,
  );
});

describe('services and what keeps them', () => {
  const { services, deployments, endpointSlices, endpoints, podDisruptionBudgets } = resources;

  test('a Service has slices and endpoints of the pods that are ready; one without selector is left alone', async () => {
    await fresh();
    await space.create(services, 'web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] });
    await space.create(services, 'own', { ports: [{ port: 80 }] });
    await space.create(services, 'alias', { type: 'ExternalName', externalName: 'example.org' });
    await space.create(services, 'all', { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 80 }] });
    await space.create(deployments, 'web', replicated('web', 2));
    const addresses = async (name: string) =>
      (await space.list(endpointSlices, `kubernetes.io/service-name=${name}`)).flatMap(
        (slice) => (slice as never as { endpoints: object[] }).endpoints,
      );
    await expect.poll(() => addresses('web')).toHaveLength(2);
    await expect.poll(() => addresses('all')).toHaveLength(2);
    expect(await space.get(endpoints, 'web')).toMatchObject({ subsets: [{ ports: [{ port: 8080 }] }] });
    expect([await addresses('own'), await addresses('alias')]).toEqual([[], []]);
    expect(await space.get(services, 'alias')).not.toHaveProperty('spec.clusterIP');
  });

  test('a Service that asks for a load balancer is given its own address', async () => {
    await fresh();
    await space.create(services, 'edge', { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80 }] });
    const edge = await space.until(services, 'edge', {
      status: { loadBalancer: { ingress: [{ ip: expect.any(String) }] } },
    });
    expect(edge.status.loadBalancer.ingress[0].ip).toBe(edge.spec.clusterIP);
  });

  test('a budget counts, and an eviction that it forbids is refused', async () => {
    await fresh();
    await space.create(podDisruptionBudgets, 'web', { minAvailable: 2, selector: { matchLabels: { app: 'web' } } });
    await space.create(deployments, 'web', replicated('web', 2));
    await space.until(podDisruptionBudgets, 'web', {
      status: { currentHealthy: 2, desiredHealthy: 2, disruptionsAllowed: 0 },
    });
    const [pod] = await space.list(resources.pods);
    const name = pod?.metadata.name ?? '';
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: space.name } };
    await expect(cluster.kube.create(resources.pods, eviction, { subresource: 'eviction' })).rejects.toThrow(
      /disruption budget/,
    );
    await space.patch(podDisruptionBudgets, 'web', { spec: { minAvailable: 1 } });
    await space.until(podDisruptionBudgets, 'web', { status: { disruptionsAllowed: 1 } });
    await cluster.kube.create(resources.pods, eviction, { subresource: 'eviction' });
    await expect.poll(() => space.get(resources.pods, name)).toBeUndefined();
  });

  test('an autoscaler is taken and scales nothing', async () => {
    await fresh();
    const autoscalers = {
      group: 'autoscaling',
      version: 'v2',
      plural: 'horizontalpodautoscalers',
      kind: 'HorizontalPodAutoscaler',
      namespaced: true,
    };
    await space.create(deployments, 'web', replicated('web', 1));
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    await space.create(autoscalers, 'web', { scaleTargetRef, minReplicas: 2, maxReplicas: 5 });
    await space.until(deployments, 'web', { spec: { replicas: 1 }, status: { readyReplicas: 1 } });
    await space.delete(autoscalers, 'web');
    expect(await space.list(autoscalers)).toEqual([]);
  });
});

test('a namespace has an account and the authority, and takes everything along, its own kinds included', async () => {
  await fresh();
  await expect.poll(() => space.get(resources.serviceAccounts, 'default')).toBeDefined();
  await expect
    .poll(() => space.get(resources.configMaps, 'kube-root-ca.crt'))
    .toMatchObject({ data: { 'ca.crt': expect.stringContaining('BEGIN') } });
  const group = 'things.test';
  const things = { group, version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await cluster.kube.create(resources.customResourceDefinitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  });
  await expect
    .poll(() =>
      space.create(things, 'one', {}).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  await space.create(resources.deployments, 'web', replicated('web', 2));
  await space.create(resources.persistentVolumeClaims, 'data', {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Mi' } },
  });
  await space.until(resources.persistentVolumeClaims, 'data', { status: { phase: 'Bound' } });
  await cluster.kube.delete(resources.namespaces, { name: space.name });
  await expect
    .poll(() => cluster.kube.get(resources.namespaces, { name: space.name }), { timeout: 10_000 })
    .toBeUndefined();
  for (const resource of [things, resources.pods, resources.persistentVolumeClaims])
    expect(await space.list(resource)).toEqual([]);
});
