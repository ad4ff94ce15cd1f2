import assert from 'node:assert/strict';
import { type JsonObject, type KubeObject, resources } from '@sluice/model';
import { isKubeError, type KubeApi, type WatchEvent } from '../kube-api.ts';

/** One claim that every {@link KubeApi} keeps: the fake, the embedded server, a real one. */
export type KubeApiContractCase = {
  readonly name: string;
  /** The namespace must exist and be empty of config maps, pods and jobs. */
  readonly run: (kube: KubeApi, namespace: string) => Promise<void>;
};

type ConfigMap = KubeObject & { readonly data?: Readonly<Record<string, string>> };
type Job = KubeObject<{ readonly suspend?: boolean } & JsonObject, { readonly active?: number }>;

const { configMaps, jobs, pods } = resources;

function configMap(namespace: string, name: string, labels: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data: { a: '1' } };
}

function job(namespace: string, name: string): Job {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace }, spec: { suspend: true, template } };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => error,
  );
}

/** The first events of a watch. */
async function take(events: AsyncIterable<WatchEvent>, count: number, cancel: AbortController): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) {
    if (event.type === 'BOOKMARK') {
      if (!event.initialEventsEnd) continue;
      seen.push('end');
    } else seen.push(`${event.type} ${event.object.metadata.name}`);
    if (seen.length === count) break;
  }
  cancel.abort();
  return seen;
}

/** The claims. Each needs a namespace of its own. */
export const kubeApiContract: readonly KubeApiContractCase[] = [
  {
    name: 'a created object has a uid, a version and a time, and is found',
    async run(kube, namespace) {
      const made = await kube.create(configMaps, configMap(namespace, 'a'));
      assert.ok(made.metadata.uid && made.metadata.resourceVersion && made.metadata.creationTimestamp);
      const found = await kube.get<ConfigMap>(configMaps, { namespace, name: 'a' });
      assert.deepEqual(found?.data, { a: '1' });
      assert.equal(found?.metadata.uid, made.metadata.uid);
      assert.ok(isKubeError(await failure(kube.create(configMaps, configMap(namespace, 'a'))), 'AlreadyExists'));
    },
  },
  {
    name: 'a missing object is undefined, may be deleted, and cannot be patched',
    async run(kube, namespace) {
      const key = { namespace, name: 'nosuch' };
      assert.equal(await kube.get(configMaps, key), undefined);
      await kube.delete(configMaps, key);
      assert.ok(isKubeError(await failure(kube.patch(configMaps, key, { type: 'merge', body: {} })), 'NotFound'));
    },
  },
  {
    name: 'generateName makes names',
    async run(kube, namespace) {
      const object = configMap(namespace, '');
      const metadata = { ...object.metadata, generateName: 'x-' };
      const [a, b] = [
        await kube.create(configMaps, { ...object, metadata }),
        await kube.create(configMaps, { ...object, metadata }),
      ];
      assert.match(a.metadata.name, /^x-.{5}$/);
      assert.notEqual(a.metadata.name, b.metadata.name);
    },
  },
  {
    name: 'a dry run changes nothing',
    async run(kube, namespace) {
      const made = await kube.create(configMaps, configMap(namespace, 'a'), { dryRun: true });
      assert.equal(made.metadata.name, 'a');
      assert.equal(await kube.get(configMaps, { namespace, name: 'a' }), undefined);
    },
  },
  {
    name: 'a merge patch removes with null; one that names an old version, or another uid, is a conflict',
    async run(kube, namespace) {
      const key = { namespace, name: 'a' };
      const before = await kube.create(configMaps, configMap(namespace, 'a'));
      const after = await kube.patch<ConfigMap>(configMaps, key, {
        type: 'merge',
        body: { data: { a: null, b: '2' } },
      });
      assert.deepEqual(after.data, { b: '2' });
      for (const metadata of [{ resourceVersion: before.metadata.resourceVersion }, { uid: 'another' }]) {
        const patch = { type: 'merge', body: { metadata, data: { c: '3' } } } as const;
        assert.ok(isKubeError(await failure(kube.patch(configMaps, key, patch)), 'Conflict'));
      }
    },
  },
  {
    name: 'a JSON patch whose test fails changes nothing',
    async run(kube, namespace) {
      const key = { namespace, name: 'a' };
      await kube.create(configMaps, configMap(namespace, 'a'));
      const test = { op: 'test', path: '/data/a', value: 'other' } as const;
      const body = [test, { op: 'remove', path: '/data/a' } as const];
      assert.ok(isKubeError(await failure(kube.patch(configMaps, key, { type: 'json', body })), 'Invalid'));
      const good = [{ ...test, value: '1' }, { op: 'replace', path: '/data/a', value: '2' } as const];
      assert.deepEqual((await kube.patch<ConfigMap>(configMaps, key, { type: 'json', body: good })).data, { a: '2' });
    },
  },
  {
    name: 'a replace needs the present version',
    async run(kube, namespace) {
      const first = await kube.create(configMaps, configMap(namespace, 'a'));
      const second = await kube.replace<ConfigMap>(configMaps, { ...first, data: { b: '2' } });
      assert.deepEqual(second.data, { b: '2' });
      assert.ok(isKubeError(await failure(kube.replace(configMaps, { ...first, data: { c: '3' } })), 'Conflict'));
    },
  },
  {
    name: 'apply makes what is missing and merges into what is there',
    async run(kube, namespace) {
      const options = { fieldManager: 'contract' };
      await kube.apply(configMaps, configMap(namespace, 'a'), options);
      const other = { ...configMap(namespace, 'a'), data: { b: '2' } };
      const after = await kube.apply<ConfigMap>(configMaps, other, { fieldManager: 'another' });
      assert.deepEqual(after.data, { a: '1', b: '2' });
    },
  },
  {
    name: 'an update that changes nothing keeps the version',
    async run(kube, namespace) {
      const made = await kube.create(configMaps, configMap(namespace, 'a'));
      const same = await kube.patch(
        configMaps,
        { namespace, name: 'a' },
        { type: 'merge', body: { data: { a: '1' } } },
      );
      assert.equal(same.metadata.resourceVersion, made.metadata.resourceVersion);
    },
  },
  {
    name: 'spec and status are written apart, and only the spec counts generations',
    async run(kube, namespace) {
      const key = { namespace, name: 'j' };
      const made = await kube.create<Job>(jobs, job(namespace, 'j'));
      assert.equal(made.metadata.generation, 1);
      const body = { spec: { backoffLimit: 3 }, status: { active: 7 } };
      const status = await kube.patch<Job>(jobs, key, { type: 'merge', body }, { subresource: 'status' });
      assert.deepEqual([status.status?.active, status.metadata.generation], [7, 1]);
      assert.notEqual(status.spec?.['backoffLimit'], 3);
      const spec = await kube.patch<Job>(jobs, key, { type: 'merge', body: { ...body, status: { active: 9 } } });
      assert.deepEqual([spec.status?.active, spec.metadata.generation, spec.spec?.['backoffLimit']], [7, 2, 3]);
    },
  },
  {
    name: 'a finalizer holds a deleted object',
    async run(kube, namespace) {
      const key = { namespace, name: 'a' };
      const object = configMap(namespace, 'a');
      const made = await kube.create(configMaps, {
        ...object,
        metadata: { ...object.metadata, finalizers: ['example.com/x'] },
      });
      await failure(kube.delete(configMaps, key, { uid: 'another' }));
      await kube.delete(configMaps, key, { uid: made.metadata.uid ?? '' });
      assert.ok((await kube.get(configMaps, key))?.metadata.deletionTimestamp);
      await kube.patch(configMaps, key, { type: 'merge', body: { metadata: { finalizers: null } } });
      assert.equal(await kube.get(configMaps, key), undefined);
    },
  },
  {
    name: 'lists select by label and field and come in pages',
    async run(kube, namespace) {
      for (const name of ['a', 'b', 'c']) await kube.create(configMaps, configMap(namespace, name, { app: name }));
      const names = async (options: object): Promise<string[]> =>
        (await kube.list(configMaps, { namespace, ...options })).items.map(({ metadata }) => metadata.name);
      assert.deepEqual(await names({ labelSelector: 'app in (a,b),app!=b' }), ['a']);
      assert.deepEqual(await names({ fieldSelector: 'metadata.name=c' }), ['c']);
      const page = await kube.list(configMaps, { namespace, labelSelector: 'app', limit: 2 });
      assert.equal(page.items.length, 2);
      const rest = await kube.list(configMaps, {
        namespace,
        labelSelector: 'app',
        limit: 2,
        continue: page.continue ?? '',
      });
      assert.deepEqual([rest.items.length, rest.continue], [1, undefined]);
    },
  },
  {
    name: 'a watch tells every change after a version, in order, and whether an object is selected',
    async run(kube, namespace) {
      const { resourceVersion } = await kube.list(configMaps, { namespace });
      const on = { app: 'x' };
      await kube.create(configMaps, configMap(namespace, 'a', on));
      await kube.create(configMaps, configMap(namespace, 'unselected'));
      const key = { namespace, name: 'a' };
      await kube.patch(configMaps, key, { type: 'merge', body: { data: { b: '2' } } });
      await kube.patch(configMaps, key, { type: 'merge', body: { metadata: { labels: { app: 'y' } } } });
      await kube.patch(configMaps, key, { type: 'merge', body: { metadata: { labels: on } } });
      await kube.delete(configMaps, key);
      const cancel = new AbortController();
      const events = kube.watch(configMaps, {
        namespace,
        labelSelector: 'app=x',
        resourceVersion,
        signal: cancel.signal,
      });
      const want = ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED a', 'DELETED a'];
      assert.deepEqual(await take(events, want.length, cancel), want);
    },
  },
  {
    name: 'a watch can begin with what there is',
    async run(kube, namespace) {
      await kube.create(configMaps, configMap(namespace, 'a', { app: 'x' }));
      const cancel = new AbortController();
      const options = { namespace, labelSelector: 'app=x', sendInitialEvents: true, signal: cancel.signal };
      assert.deepEqual(await take(kube.watch(configMaps, options), 2, cancel), ['ADDED a', 'end']);
    },
  },
  {
    name: 'a binding puts a pod on a node',
    async run(kube, namespace) {
      const metadata = { name: 'p', namespace };
      const spec = { nodeSelector: { never: 'mind' }, containers: [{ name: 'c', image: 'x' }] };
      await kube.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
      const target = { apiVersion: 'v1', kind: 'Node', name: 'somewhere' };
      await kube.create(pods, { apiVersion: 'v1', kind: 'Binding', metadata, target }, { subresource: 'binding' });
      const bound = await kube.get<KubeObject<{ readonly nodeName?: string }>>(pods, metadata);
      assert.equal(bound?.spec?.nodeName, 'somewhere');
    },
  },
];
