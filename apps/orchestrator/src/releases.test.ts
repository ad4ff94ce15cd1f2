import { findCondition, keys, resources, type Environment, type HelmRelease, type OciRepository } from '@sluice/model';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Harness, namespace, sha } from './testing.ts';

let harness: Harness;

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T10:00:00Z') });
  harness = new Harness();
  harness.commit(sha('b'));
  await harness.start();
});
afterEach(async () => {
  await harness.stop();
  vi.useRealTimers();
});

const key = { namespace, name: 'hello-staging' };
const release = (): HelmRelease => harness.kube.object<HelmRelease>(resources.helmReleases, key);
const digest = (char: string): string => `sha256:${char.repeat(64)}`;
const sources = (): readonly OciRepository[] => harness.kube.objects<OciRepository>(resources.ociRepositories);
const applies = (): number => harness.kube.count('apply', resources.helmReleases);

/** What the helm operator would write about the present generation. */
async function operate(conditions: readonly object[], served: string): Promise<void> {
  const generation = release().metadata.generation;
  const body = {
    status: {
      observedGeneration: generation,
      conditions: conditions.map((condition) => ({
        message: '',
        lastTransitionTime: '',
        observedGeneration: generation,
        ...condition,
      })),
      history: [
        {
          version: 1,
          status: 'deployed',
          chartVersion: '1.0.0',
          appVersion: served,
          lastDeployed: '2026-11-23T10:00:00Z',
        },
      ],
    },
  };
  await harness.kube.patch(resources.helmReleases, key, { type: 'merge', body }, { subresource: 'status' });
  await harness.settle(300);
}

test('a run that succeeded releases its chart and image by digest', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  expect(applies()).toBe(0);
  await harness.succeed(sha('a'), '1');
  expect(sources()[0]?.spec).toMatchObject({
    url: 'oci://127.0.0.1:7050/hello/charts/hello',
    ref: { digest: digest('1') },
  });
  expect(release()).toMatchObject({
    metadata: { annotations: { [keys.sha]: sha('a'), [keys.workflow]: harness.workflow(sha('a')).metadata.name } },
    spec: {
      releaseName: 'hello',
      targetNamespace: 'hello-staging',
      values: { image: { repository: '127.0.0.1:7050/hello/web', digest: digest('1') } },
    },
  });
  expect(harness.workflow(sha('a')).metadata.annotations?.[keys.released]).toBe('{"hello-staging":"Applied"}');
  expect(harness.forge.deployments.get(`hello-staging-${sha('a').slice(0, 12)}`)).toMatchObject({
    state: 'in_progress',
    environment: 'staging',
    ref: 'refs/heads/main',
  });
});

test('each chart has a source of its own, owned by the release, and earlier ones go', async () => {
  await harness.createEnvironment();
  for (const [commit, digit] of [
    ['a', '1'],
    ['b', '2'],
  ] as const) {
    await harness.push(sha(commit));
    await harness.succeed(sha(commit), digit);
  }
  expect(
    sources().map(({ metadata, spec }) => [metadata.name, metadata.ownerReferences?.[0]?.uid, spec?.ref?.digest]),
  ).toEqual([[release().spec?.chartRef?.name, release().metadata.uid, digest('2')]]);
});

test('a run that failed releases nothing', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  await harness.setStatus(sha('a'), { phase: 'Failed', finishedAt: '2026-11-23T10:00:06Z' });
  expect(applies()).toBe(0);
});

test('the newer push wins, whichever run ends first', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  await harness.push(sha('b'), { before: sha('a') });
  await harness.succeed(sha('b'), '2');
  await harness.succeed(sha('a'), '1');
  expect(release().metadata.annotations?.[keys.sha]).toBe(sha('b'));
  expect(harness.workflow(sha('a')).metadata.annotations?.[keys.released]).toBe('{"hello-staging":"Superseded"}');
});

test('the newer push wins also when both runs end while nobody looks', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  await harness.push(sha('b'), { before: sha('a') });
  await harness.stop();
  await harness.succeed(sha('b'), '2');
  await harness.succeed(sha('a'), '1');
  await harness.start();
  expect(release().metadata.annotations?.[keys.sha]).toBe(sha('b'));
});

test('a commit that is pushed again after another is released again, without a second run', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  await harness.succeed(sha('a'), '1');
  await harness.push(sha('b'), { before: sha('a') });
  await harness.succeed(sha('b'), '2');
  await harness.push(sha('a'), { before: sha('b') });
  expect(release().metadata.annotations?.[keys.sha]).toBe(sha('a'));
  expect(release().spec?.values).toMatchObject({ image: { digest: digest('1') } });
  expect(harness.workflows()).toHaveLength(2);
});

test('a crash between the release and the mark releases the same once more', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  harness.kube.fail({ verb: 'patch', resource: resources.workflows, error: new Error('killed'), times: 2, nth: 2 });
  await harness.succeed(sha('a'));
  await harness.settle(5_000);
  expect(harness.workflow(sha('a')).metadata.annotations?.[keys.released]).toBe('{"hello-staging":"Applied"}');
  expect(release().metadata.generation).toBe(1);
});

test('a restart releases nothing again', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  await harness.succeed(sha('a'));
  const before = applies();
  await harness.stop();
  await harness.start();
  expect(applies()).toBe(before);
});

test('without the Environment the commit says so, and the release follows once it is there', async () => {
  await harness.push(sha('a'));
  await harness.succeed(sha('a'));
  expect(harness.forge.check('deploy staging', sha('a'))).toMatchObject({
    conclusion: 'failure',
    title: 'There is no Environment "staging" in namespace default; create it and the release follows',
  });
  await harness.createEnvironment();
  expect(release().metadata.annotations?.[keys.sha]).toBe(sha('a'));
  expect(harness.forge.check('deploy staging', sha('a'))?.status).toBe('in_progress');
});

test('a HelmRelease of somebody else is not overwritten', async () => {
  await harness.createEnvironment();
  harness.kube.put(resources.helmReleases, {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: key,
    spec: { interval: '1h' },
  });
  await harness.push(sha('a'));
  await harness.succeed(sha('a'));
  expect(release().spec).toEqual({ interval: '1h' });
  expect(harness.forge.check('deploy staging', sha('a'))?.title).toBe(
    'HelmRelease default/hello-staging belongs to somebody else; give the deployment another release name',
  );
});

test('a digest that the run did not make releases nothing and says which', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  await harness.setStatus(sha('a'), { phase: 'Succeeded', finishedAt: '2026-11-23T10:00:06Z' });
  expect(applies()).toBe(0);
  expect(harness.forge.check('deploy staging', sha('a'))?.title).toContain('output "chart-digest" is missing');
});

test('a release that is ready is a successful deployment', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  await harness.succeed(sha('a'));
  await operate([{ type: 'Ready', status: 'True', reason: 'InstallSucceeded' }], sha('a'));
  expect(harness.forge.deployments.get(`hello-staging-${sha('a').slice(0, 12)}`)).toMatchObject({
    state: 'success',
    description: 'Revision 1 of hello serves (commit aaaaaaa)',
  });
  expect(harness.forge.check('deploy staging', sha('a'))).toMatchObject({ conclusion: 'success' });
});

test('a rollback is a failed deployment that says what serves now, reported once', async () => {
  await harness.createEnvironment();
  await harness.push(sha('a'));
  await harness.succeed(sha('a'));
  await operate([{ type: 'Ready', status: 'True', reason: 'InstallSucceeded' }], sha('a'));
  await harness.push(sha('b'), { before: sha('a') });
  await harness.succeed(sha('b'), '2');
  await operate(
    [
      { type: 'Released', status: 'False', reason: 'UpgradeFailed', message: 'hello is not ready' },
      { type: 'Remediated', status: 'True', reason: 'RollbackSucceeded' },
      { type: 'Stalled', status: 'True', reason: 'RetriesExceeded' },
      { type: 'Ready', status: 'False', reason: 'RollbackSucceeded' },
    ],
    sha('a'),
  );
  const description = 'Failed and rolled back; revision 1 of hello serves (commit aaaaaaa): hello is not ready';
  expect(harness.forge.deployments.get(`hello-staging-${sha('b').slice(0, 12)}`)).toMatchObject({
    state: 'failure',
    description,
  });
  expect(harness.forge.check('deploy staging', sha('b'))).toMatchObject({ conclusion: 'failure', title: description });
  expect(harness.forge.deployments.get(`hello-staging-${sha('a').slice(0, 12)}`)?.state).toBe('success');
  const writes = harness.forge.writes.length;
  await harness.stop();
  await harness.start();
  expect(harness.forge.writes).toHaveLength(writes);
});

test('an Environment says whether releases can go there', async () => {
  await harness.createEnvironment();
  const ready = () =>
    findCondition(
      harness.kube.object<Environment>(resources.environments, { namespace, name: 'staging' }).status?.conditions,
      'Ready',
    );
  expect(ready()).toMatchObject({ status: 'True', reason: 'Valid' });
  await harness.kube.patch(
    resources.environments,
    { namespace, name: 'staging' },
    { type: 'merge', body: { spec: { mode: 'git' } } },
  );
  await harness.settle();
  expect(ready()).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
});
