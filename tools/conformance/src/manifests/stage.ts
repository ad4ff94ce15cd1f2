import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startApiServer } from '@sluice/apiserver';
import { createArtifactMover, localPlugin } from '@sluice/artifacts';
import { startS3Server } from '@sluice/artifacts/testing';
import { startControllerManager } from '@sluice/controller-manager';
import { taskPort } from '@sluice/executor';
import { createKubeApi, httpTransport } from '@sluice/kube';
import { customResourceDefinitions, type KubeObject, resources } from '@sluice/model';
import { type NodeAgent, startNodeAgent, startServiceProxy } from '@sluice/node-agent';
import { createInformerSet, type KubeApi } from '@sluice/reconcile';
import { Closers, silentLog } from '@sluice/runtime';
import { memoryStore } from '@sluice/store';
import { defaultConfig, start } from '@sluice/workflow-controller';
import { clusterNames } from '@sluice/local';
import { makeStandInCommands, standInImages } from './stand-ins.ts';

/** A cluster on which manifests really run. */
export type Stage = {
  readonly kube: KubeApi;
  /** Why pods run as they do. */
  readonly runtime: string;
  /** A namespace of its own for a case, with what the manifests take for granted. */
  makeNamespace(): Promise<string>;
  close(): Promise<void>;
};

const s3Keys = { access: 'admin', secret: 'password' };

/** Start the embedded cluster's parts, the workflow controller and a store that speaks S3. */
export async function startStage(): Promise<Stage> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-manifests-')));
  const closers = new Closers();
  closers.add(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  try {
    const s3 = await startS3Server({ [s3Keys.access]: s3Keys.secret });
    closers.add(() => s3.close());
    for (const bucket of ['my-bucket', 'my-bucket-2', 'my-bucket-3']) s3.createBucket(bucket);
    let agent: NodeAgent | undefined;
    const api = await startApiServer({
      store: memoryStore(),
      host: '127.0.0.1',
      port: 0,
      directory: join(directory, 'api'),
      podLogs: (pod, options) => {
        if (!agent) throw new Error('the node has not started yet');
        return agent.podLogs(pod, options);
      },
      log: silentLog,
      now: Date.now,
    });
    closers.add(() => api.close());
    const kube = createKubeApi({ transport: api.handle });
    for (const definition of customResourceDefinitions())
      await kube.apply(resources.customResourceDefinitions, definition, { fieldManager: 'conformance' });
    const informers = createInformerSet(kube, { log: silentLog });
    closers.add(() => informers.close());
    const bin = join(directory, 'bin');
    makeStandInCommands(bin);
    const resolveHost = clusterNames(informers);
    const artifacts = createArtifactMover({
      directory: join(directory, 'artifacts'),
      scratch: join(directory, 'scratch'),
      gitBinary: '/usr/bin/git',
      resolveHost,
    });
    const connect = (token: string) => httpTransport({ server: api.url, ca: api.ca, token });
    agent = await startNodeAgent({
      kube,
      informers,
      directory,
      runtime: 'auto',
      images: await standInImages(),
      artifacts,
      tasks: taskPort({ connect, artifacts, resolveHost }),
      tools: { pathDirectories: [bin], readOnlyPaths: [bin, dirname(process.execPath)] },
      log: silentLog,
    });
    const node = agent;
    closers.add(() => node.close());
    const proxy = await startServiceProxy({ kube, informers, log: silentLog, now: Date.now });
    closers.add(() => proxy.close());
    const manager = await startControllerManager({ kube, ca: api.ca, log: silentLog });
    closers.add(() => manager.close());
    const repository = { plugin: { name: localPlugin } };
    const controller = await start({ ...defaultConfig, artifactRepository: repository }, { kube, log: silentLog });
    closers.add(() => controller.close());
    let count = 0;
    return {
      kube,
      runtime: `${agent.runtime} (${agent.reason})`,
      makeNamespace: async () => {
        const namespace = `case-${++count}`;
        for (const object of namespaceObjects(namespace, s3.port)) await create(kube, object);
        return namespace;
      },
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function create(kube: KubeApi, object: KubeObject): Promise<void> {
  const found = Object.values(resources).find(({ kind }) => kind === object.kind);
  const known = found ?? {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural: 'rolebindings',
    kind: object.kind,
    namespaced: true,
  };
  await kube.create(known, object);
}

function namespaceObjects(namespace: string, s3Port: number): readonly KubeObject[] {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const data = { accesskey: base64(s3Keys.access), secretkey: base64(s3Keys.secret) };
  const labels = { 'kubernetes.io/service-name': 'minio' };
  const admin = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
  const objects: readonly (KubeObject & { readonly [field: string]: unknown })[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'my-minio-cred', namespace }, data },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'minio', namespace },
      spec: { ports: [{ name: 's3', port: 9_000 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'minio', namespace, labels },
      addressType: 'IPv4',
      ports: [{ name: 's3', port: s3Port, protocol: 'TCP' }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'steps-may-everything', namespace },
      roleRef: admin,
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
    },
  ];
  return objects;
}
