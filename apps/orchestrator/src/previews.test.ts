import { apiVersionOf, keys, resources, type EnvironmentSpec, type HelmRelease } from '@sluice/model';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Harness, namespace, pipelineText, pullRequestJob, sha } from './testing.ts';

let harness: Harness;
const pipeline = `${pipelineText}    - { environment: preview, on: { pullRequest: {} }, chart: chart, images: [image] }\n`;
const ref = 'refs/pull/3/head';

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T10:00:00Z') });
  harness = new Harness();
  for (const commit of ['a', 'b', 'c']) harness.commit(sha(commit), { '.sluice/ci.yaml': pipeline });
  await harness.start();
  await createEnvironment({ preview: true });
  await harness.createEnvironment();
});
afterEach(async () => {
  await harness.stop();
  vi.useRealTimers();
});

async function createEnvironment(spec: Partial<EnvironmentSpec>): Promise<void> {
  const metadata = { name: 'preview', namespace };
  const full = { namespace: 'hello-preview', mode: 'direct' as const, ...spec };
  const environment = { apiVersion: apiVersionOf(resources.environments), kind: 'Environment', metadata, spec: full };
  await harness.kube.create(resources.environments, environment);
  await harness.settle();
}

async function open(commit: string, options: { fork?: boolean; action?: string } = {}): Promise<void> {
  harness.moveRef(ref, sha(commit));
  await harness.deliver(pullRequestJob(sha(commit), sha('a'), options));
}

/** Close it: the forge lists it no more. With `isTold` a delivery says so. */
async function close(commit: string, isTold = true): Promise<void> {
  harness.forge.heads = harness.forge.heads.filter((head) => head.ref !== ref);
  if (isTold) await harness.deliver(pullRequestJob(sha(commit), sha('a'), { action: 'closed' }));
}

const releases = (): string[] =>
  harness.kube
    .objects<HelmRelease>(resources.helmReleases)
    .map(({ metadata, spec }) => `${metadata.name} → ${spec?.targetNamespace} ${metadata.labels?.[keys.pullRequest]}`);
/** The cluster's own controller removes what is being deleted. */
const homes = (): string[] =>
  harness.kube
    .objects(resources.namespaces)
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.name);

test('a pull request gets a preview of its own, newer commits change it, and it goes when it is closed', async () => {
  await open('b');
  await harness.succeed(sha('b'), '1');
  expect(releases()).toEqual(['hello-pr-3-preview → hello-preview-pr-3 3']);
  expect(homes()).toEqual(['hello-preview-pr-3']);
  expect(harness.forge.deployments.get(`hello-pr-3-preview-${sha('b').slice(0, 12)}`)).toMatchObject({
    environment: 'preview',
    state: 'in_progress',
  });
  await open('c', { action: 'synchronize' });
  await harness.succeed(sha('c'), '2');
  expect(releases()).toHaveLength(1);
  await close('c');
  await harness.settle(10_000);
  expect([releases(), homes()]).toEqual([[], []]);
});

test('a preview goes also when nobody tells of the end of its pull request', async () => {
  await open('b');
  await harness.succeed(sha('b'), '1');
  await close('b', false);
  await harness.settle(120_000);
  expect([releases(), homes()]).toEqual([[], []]);
});

test('a run that ends after its pull request makes no preview', async () => {
  await open('b');
  await close('b');
  await harness.succeed(sha('b'), '1');
  expect([releases(), homes()]).toEqual([[], []]);
});

test('a pull request that is open at the forge keeps its preview, also where its head is not recorded', async () => {
  await open('b');
  await harness.succeed(sha('b'), '1');
  const body = { status: { heads: { [ref]: null } } };
  const key = { namespace, name: 'hello' };
  await harness.kube.patch(resources.repositories, key, { type: 'merge', body }, { subresource: 'status' });
  await harness.settle(1_000);
  expect(releases()).toHaveLength(1);
});

test('a push goes where it went, and not into previews', async () => {
  await harness.push(sha('a'));
  await harness.succeed(sha('a'), '1');
  expect(releases()).toEqual(['hello-staging → hello-staging undefined']);
});

test('an environment that is not for previews takes none, and says what to set', async () => {
  await harness.kube.patch(
    resources.environments,
    { namespace, name: 'preview' },
    { type: 'merge', body: { spec: { preview: false } } },
  );
  await open('b');
  await harness.succeed(sha('b'), '1');
  expect(releases()).toEqual([]);
  expect(harness.forge.deployments.get(`hello-pr-3-preview-${sha('b').slice(0, 12)}`)).toMatchObject({
    state: 'failure',
    description: expect.stringContaining('is not for previews; set spec.preview') as string,
  });
});
