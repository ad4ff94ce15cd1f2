import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resources, type KubeObject, type OciRepository, type SourceStatus } from '@sluice/model';
import { createOciClient, digestOf, pushChart, type OciClient } from '@sluice/oci';
import { startFakeRegistry, type FakeRegistry } from '@sluice/oci/testing';
import type { ReconcileResult } from '@sluice/reconcile';
import { FakeKube } from '@sluice/reconcile/testing';
import { Secret } from '@sluice/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChartStore } from './chart-store.ts';
import { ociRepositoryReconciler } from './oci-repository-reconciler.ts';

const key = { namespace: 'apps', name: 'demo' };
let kube: FakeKube;
let registry: FakeRegistry;
let directory: string;
let store: ChartStore;
let events: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oci-repository-'));
  [kube, registry, store, events] = [
    new FakeKube({ now: () => 0 }),
    await startFakeRegistry(),
    await ChartStore.open(directory),
    [],
  ];
});

afterEach(async () => {
  await registry.close();
  await rm(directory, { recursive: true });
});

const push = async (version: string, client: OciClient = createOciClient()): Promise<string> => {
  const chart = { archive: Buffer.from(`archive ${version}`), metadata: { name: 'demo', version } };
  return (await pushChart(client, `${registry.host}/charts/demo`, chart)).digest;
};

function source(spec: object): OciRepository {
  const full = { interval: '10m', url: `oci://${registry.host}/charts/demo`, ...spec };
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: key,
    spec: full,
  } as OciRepository;
}

async function reconcile(spec: object = {}): Promise<ReconcileResult> {
  kube.put(resources.ociRepositories, { ...source(spec), status: statusOf() } as KubeObject);
  const recorder = {
    event: (_object: KubeObject, _type: string, reason: string) => void events.push(reason),
    flush: () => Promise.resolve(),
  };
  const oci = (options: Parameters<typeof createOciClient>[0]) => createOciClient({ ...options, backoffMs: () => 1 });
  return ociRepositoryReconciler({ kube, oci, store, events: recorder, now: () => 0 })(
    key,
    new AbortController().signal,
  );
}

function statusOf(): SourceStatus | undefined {
  return kube.objects<OciRepository>(resources.ociRepositories).find(({ metadata }) => metadata.name === key.name)
    ?.status;
}

const conditions = (): string[] =>
  (statusOf()?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);

test('a tag is resolved, fetched and stored, and looked at again within the interval', async () => {
  const manifest = await push('1.0.0');
  const { requeueAfterMs = 0 } = await reconcile({ ref: { tag: '1.0.0' } });
  const digest = digestOf(Buffer.from('archive 1.0.0'));
  expect(statusOf()).toMatchObject({
    observedGeneration: 1,
    artifact: { revision: `1.0.0@${manifest}`, digest, size: 13 },
  });
  expect(conditions()).toEqual(['ArtifactInStorage True Succeeded', 'Ready True Succeeded']);
  expect(await store.has(digest)).toBe(true);
  expect(requeueAfterMs).toBeGreaterThanOrEqual(300_000);
  expect(requeueAfterMs).toBeLessThanOrEqual(600_000);
  expect(events).toEqual(['NewArtifact']);
});

test('nothing is fetched or written again while the tag stays where it is', async () => {
  await push('1.0.0');
  await reconcile({ ref: { tag: '1.0.0' } });
  const before = kube.writes();
  registry.requests.length = 0;
  await reconcile({ ref: { tag: '1.0.0' } });
  expect(kube.writes()).toBe(before);
  expect(registry.requests.filter((line) => line.includes('/blobs/'))).toEqual([]);
});

test('the highest version of a range is taken, and a digest needs no tag', async () => {
  const digests = [await push('1.0.0'), await push('1.2.0'), await push('2.0.0')];
  await reconcile({ ref: { semver: '^1.0.0' } });
  expect(statusOf()?.artifact?.revision).toBe(`1.2.0@${digests[1]}`);
  await reconcile({ ref: { digest: digests[0] } });
  expect(statusOf()?.artifact?.revision).toBe(digests[0]);
});

test('what is not there is said, the artifact fetched before stays, and it recovers', async () => {
  await push('1.0.0');
  await reconcile({ ref: { tag: '1.0.0' } });
  await reconcile({ ref: { tag: '9.9.9' } });
  expect(conditions()).toContain('Ready False OCIArtifactPullFailed');
  expect(statusOf()?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(
    'the artifact fetched before stays in use',
  );
  expect(statusOf()?.artifact?.revision).toContain('1.0.0@');
  await reconcile({ ref: { tag: '1.0.0' } });
  expect(conditions()).toEqual(['ArtifactInStorage True Succeeded', 'Ready True Succeeded']);
});

test('a registry that is away is retried with backoff', async () => {
  registry.failNext(/./, 503, 100);
  await expect(reconcile({ ref: { tag: '1.0.0' } })).rejects.toMatchObject({ failure: 'Unavailable' });
  expect(conditions()).toEqual(['FetchFailed True OCIArtifactPullFailed', 'Ready False OCIArtifactPullFailed']);
});

test('a registry that lies about content is refused and nothing is stored', async () => {
  await push('1.0.0');
  const digest = digestOf(Buffer.from('archive 1.0.0'));
  registry.blobs.set(digest, Buffer.from('archive 6.6.6'));
  await reconcile({ ref: { tag: '1.0.0' } });
  expect(statusOf()?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('the content has digest');
  expect(await store.has(digest)).toBe(false);
});

test('the login comes from a Secret, and a missing one is named', async () => {
  registry.protect('basic');
  const credentials = () => Promise.resolve({ username: 'user', password: new Secret('password') });
  await push('1.0.0', createOciClient({ credentials }));
  await reconcile({ ref: { tag: '1.0.0' }, secretRef: { name: 'login' } });
  expect(statusOf()?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    reason: 'AuthenticationFailed',
    message: 'Secret login (spec.secretRef) is missing or has no .dockerconfigjson',
  });
  const auth = Buffer.from('user:password').toString('base64');
  const config = Buffer.from(JSON.stringify({ auths: { [registry.host]: { auth } } })).toString('base64');
  const metadata = { namespace: 'apps', name: 'login' };
  kube.put(resources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    data: { '.dockerconfigjson': config },
  } as KubeObject);
  await reconcile({ ref: { tag: '1.0.0' }, secretRef: { name: 'login' } });
  expect(conditions()).toContain('Ready True Succeeded');
});

test('a spec with mistakes is stalled with all of them, and a suspended one is left alone', async () => {
  await reconcile({ url: 'https://x', verify: { provider: 'cosign' } });
  expect(
    statusOf()
      ?.conditions?.find(({ type }) => type === 'Stalled')
      ?.message.split('\n'),
  ).toHaveLength(2);
  const writes = kube.writes();
  await reconcile({ suspend: true });
  expect(kube.writes()).toBe(writes);
});
