import { keys, resources, type EnvironmentSpec, type HelmRelease } from '@sluice/model';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Harness, namespace, pipelineText, sha } from './testing.ts';

let harness: Harness;
const pipeline = `${pipelineText}    - { environment: production, chart: chart, images: [image] }\n`;

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T10:00:00Z') });
  harness = new Harness();
  for (const commit of ['a', 'b']) harness.commit(sha(commit), { '.sluice/ci.yaml': pipeline });
  await harness.start();
  await harness.createEnvironment();
});
afterEach(async () => {
  await harness.stop();
  vi.useRealTimers();
});

async function createProduction(spec: Partial<EnvironmentSpec>): Promise<void> {
  await harness.createEnvironment('production');
  await harness.kube.patch(
    resources.environments,
    { namespace, name: 'production' },
    { type: 'merge', body: { spec } },
  );
  await harness.settle();
}

const find = (environment: string): HelmRelease | undefined =>
  harness.kube
    .objects<HelmRelease>(resources.helmReleases)
    .find(({ metadata }) => metadata.name === `hello-${environment}`);
const digestIn = (environment: string): unknown =>
  (find(environment)?.spec?.values?.['image'] as { digest?: string })?.digest;
const deployment = (commit: string, environment = 'production') =>
  harness.forge.deployments.get(`hello-${environment}-${sha(commit).slice(0, 12)}`);
const check = (commit: string) => harness.forge.check('deploy production', sha(commit));

/** What the helm operator would write once a chart serves, or does not. */
async function serve(environment: string, digit: string, status: 'True' | 'False' = 'True'): Promise<void> {
  const { generation } = find(environment)?.metadata ?? {};
  const ready = {
    type: 'Ready',
    status,
    reason: 'x',
    message: '',
    lastTransitionTime: '',
    observedGeneration: generation,
  };
  const snapshot = {
    version: 1,
    status: status === 'True' ? 'deployed' : 'failed',
    chartVersion: '1.0.0',
    ociDigest: `sha256:${digit.repeat(64)}`,
    lastDeployed: new Date(Date.now()).toISOString(),
  };
  const body = { status: { observedGeneration: generation, conditions: [ready], history: [snapshot] } };
  const key = { namespace, name: `hello-${environment}` };
  await harness.kube.patch(resources.helmReleases, key, { type: 'merge', body }, { subresource: 'status' });
  await harness.settle(300);
}

test('a run goes to the next environment with the same digests once the one before serves them', async () => {
  await createProduction({ after: ['staging'] });
  await harness.push(sha('a'));
  await harness.succeed(sha('a'), '1');
  expect([digestIn('staging') !== undefined, digestIn('production')]).toEqual([true, undefined]);
  expect(deployment('a')).toMatchObject({ state: 'queued', description: 'Waits for staging' });
  expect(check('a')).toMatchObject({ status: 'in_progress' });
  await serve('staging', '1', 'False');
  expect(deployment('a')).toMatchObject({ state: 'queued', description: 'Waits for staging, where it failed' });
  await serve('staging', '1');
  expect(digestIn('production')).toBe(digestIn('staging'));
  expect(harness.workflow(sha('a')).metadata.annotations?.[keys.released]).toBe(
    '{"hello-staging":"Applied","hello-production":"Applied"}',
  );
});

test('a run that waits is superseded by a newer one in the environment before, and its check is closed', async () => {
  await createProduction({ after: ['staging'], wait: '30m' });
  await harness.push(sha('a'));
  await harness.succeed(sha('a'), '1');
  await serve('staging', '1');
  expect(deployment('a')?.description).toMatch(/^Begins at 2026-11-23T10:30Z/);
  await harness.push(sha('b'), { before: sha('a') });
  await harness.succeed(sha('b'), '2');
  expect(deployment('a')).toMatchObject({ state: 'inactive', description: 'Staging has a newer commit by now' });
  expect(check('a')).toMatchObject({ status: 'completed', conclusion: 'neutral' });
  await serve('staging', '2');
  await harness.settle(31 * 60_000);
  expect(digestIn('production')).toBe(`sha256:${'2'.repeat(64)}`);
});

test('an approval lets one run into one environment, and a commit that is pushed again must be approved again', async () => {
  await createProduction({ approval: {} });
  await harness.push(sha('a'));
  await harness.succeed(sha('a'), '1');
  expect([deployment('a')?.description, digestIn('production')]).toEqual(['Waits for approval', undefined]);
  await harness.stop();
  await harness.start();
  expect(digestIn('production')).toBeUndefined();
  const approval = { environment: 'production', by: 'ada', at: '2026-11-23T10:00:00Z' };
  const body = { metadata: { annotations: { [keys.approvals]: JSON.stringify([approval]) } } };
  const { name } = harness.workflow(sha('a')).metadata;
  await harness.kube.patch(resources.workflows, { namespace, name }, { type: 'merge', body });
  await harness.settle();
  expect(digestIn('production')).toBe(`sha256:${'1'.repeat(64)}`);
  await harness.push(sha('b'), { before: sha('a') });
  await harness.push(sha('a'), { before: sha('b') });
  expect(harness.workflow(sha('a')).metadata.annotations?.[keys.approvals]).toBeUndefined();
});

test('a deployment begins when the freeze ends, without anybody doing anything', async () => {
  const freeze = [{ from: '2026-11-23T00:00:00Z', to: '2026-11-23T18:00:00Z', reason: 'fair' }];
  await createProduction({ freeze });
  await harness.push(sha('a'));
  await harness.succeed(sha('a'), '1');
  expect(deployment('a')?.description).toBe('Frozen until 2026-11-23T18:00Z (fair)');
  const writes = harness.forge.writes.length;
  await harness.settle(7 * 3_600_000);
  expect([digestIn('production'), harness.forge.writes.length]).toEqual([undefined, writes]);
  await harness.settle(3_600_000 + 1_000);
  expect(digestIn('production')).toBe(`sha256:${'1'.repeat(64)}`);
});

test('an environment that is not usable says so at the commit, and is used once it is mended', async () => {
  await createProduction({ wait: 'soon' });
  await harness.push(sha('a'));
  await harness.succeed(sha('a'), '1');
  expect(deployment('a')).toMatchObject({ state: 'failure' });
  expect(check('a')?.summary).toContain('spec.wait: must be a duration');
  const key = { namespace, name: 'production' };
  await harness.kube.patch(resources.environments, key, { type: 'merge', body: { spec: { wait: null } } });
  await harness.settle();
  expect(digestIn('production')).toBe(`sha256:${'1'.repeat(64)}`);
});
