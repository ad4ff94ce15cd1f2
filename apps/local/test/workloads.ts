import { startTestApiServer } from '@sluice/apiserver/testing';
import { startControllerManager } from '@sluice/controller-manager';
import { type FakeKubelet, startFakeKubelet } from '@sluice/controller-manager/testing';
import { createKubeApi } from '@sluice/kube';
import { type JsonObject, type KubeObject, type Resource, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { silentLog } from '@sluice/runtime';
import { expect } from 'vitest';

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into objects of every shape
export type Seen = KubeObject<any, any>;

/** The embedded API server with its controllers and a node without processes. */
export type Workloads = {
  readonly kube: KubeApi;
  readonly kubelet: FakeKubelet;
  /** A namespace of its own. */
  namespace(name: string): Promise<Space>;
  close(): Promise<void>;
};

/** What a test does in its namespace. */
export type Space = {
  readonly name: string;
  create(resource: Resource, name: string, spec: JsonObject, metadata?: JsonObject): Promise<Seen>;
  get(resource: Resource, name: string): Promise<Seen | undefined>;
  list(resource: Resource, labels?: string): Promise<readonly Seen[]>;
  patch(resource: Resource, name: string, body: JsonObject): Promise<Seen>;
  delete(resource: Resource, name: string, policy?: 'Background' | 'Foreground' | 'Orphan'): Promise<void>;
  /** Wait until what is seen is as wanted. */
  until(resource: Resource, name: string, want: object): Promise<Seen>;
};

export async function startWorkloads(): Promise<Workloads> {
  const server = await startTestApiServer();
  const kube = createKubeApi({ transport: server.handle });
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'local' } };
  await kube.create(resources.nodes, node);
  const manager = await startControllerManager({ kube, log: silentLog, ca: server.ca });
  const kubelet = await startFakeKubelet(kube, { all: true });
  return {
    kube,
    kubelet,
    async namespace(name) {
      await kube.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      return space(kube, name);
    },
    async close() {
      await kubelet.close();
      await manager.close();
      await server.close();
    },
  };
}

function space(kube: KubeApi, name: string): Space {
  const key = (object: string) => ({ namespace: name, name: object });
  const own: Space = {
    name,
    create: (resource, object, spec, metadata = {}) => {
      const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
      const meta = { name: object, namespace: name, ...metadata };
      return kube.create<Seen>(resource, { apiVersion, kind: resource.kind, metadata: meta, spec });
    },
    get: (resource, object) => kube.get<Seen>(resource, key(object)),
    list: async (resource, labelSelector) => {
      const options = { namespace: name, ...(labelSelector ? { labelSelector } : {}) };
      return (await kube.list<Seen>(resource, options)).items;
    },
    patch: (resource, object, body) => kube.patch<Seen>(resource, key(object), { type: 'merge', body }),
    delete: (resource, object, propagationPolicy = 'Background') =>
      kube.delete(resource, key(object), { propagationPolicy }),
    until: async (resource, object, want) => {
      await expect.poll(() => own.get(resource, object), { timeout: 10_000 }).toMatchObject(want);
      const found = await own.get(resource, object);
      if (!found) throw new Error(`${resource.kind} ${object} has gone again`);
      return found;
    },
  };
  return own;
}

/** A template with one container; `image` tells revisions apart. */
export function podTemplate(app: string, image = 'app:1', spec: JsonObject = {}): JsonObject {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image }], ...spec } };
}

/** A workload's spec: so many pods of a template. */
export function replicated(app: string, replicas: number, image?: string): JsonObject {
  return { replicas, selector: { matchLabels: { app } }, template: podTemplate(app, image) };
}
