import type { DeployRequest, JsonObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { buildRelease, type ReleasedRun } from './release-objects.ts';

const digest = (char: string): string => `sha256:${char.repeat(64)}`;
const request: DeployRequest = {
  environment: 'staging',
  release: 'hello',
  chart: { url: 'oci://127.0.0.1:7050/hello/charts/hello', digestParameter: 'chart-digest' },
  images: [{ name: 'image', url: '127.0.0.1:7050/hello/hello', digestParameter: 'image-digest' }],
  values: { replicas: 2, image: { pullPolicy: 'Always', digest: 'of the pipeline' } },
};
const run: ReleasedRun = {
  repository: 'hello',
  namespace: 'default',
  sha: 'b'.repeat(40),
  ref: 'refs/heads/main',
  workflow: 'hello-ci-1',
  order: 5,
  outputs: { 'chart-digest': digest('c'), 'image-digest': digest('d') },
};
const target = { namespace: 'staging', insecure: true };

function specOf(template?: JsonObject): JsonObject {
  const built = buildRelease(request, run, { ...target, ...(template ? { template } : {}) });
  if (!built.ok) throw new Error(built.reason);
  return built.release.spec ?? {};
}

test('the release carries the digests of the run', () => {
  const built = buildRelease(request, run, target);
  expect(built).toMatchObject({
    ok: true,
    source: {
      kind: 'OCIRepository',
      metadata: {
        name: 'hello-staging-cccccccccc',
        namespace: 'default',
        annotations: { 'sluice.dev/release': 'hello-staging' },
      },
      spec: { url: 'oci://127.0.0.1:7050/hello/charts/hello', ref: { digest: digest('c') }, insecure: true },
    },
    release: {
      kind: 'HelmRelease',
      metadata: {
        labels: { 'sluice.dev/repository': 'hello', 'sluice.dev/environment': 'staging' },
        annotations: { 'sluice.dev/sha': 'b'.repeat(40), 'sluice.dev/workflow': 'hello-ci-1', 'sluice.dev/order': '5' },
      },
      spec: {
        releaseName: 'hello',
        targetNamespace: 'staging',
        chartRef: { kind: 'OCIRepository', name: 'hello-staging-cccccccccc' },
      },
    },
  });
});

test('values come from the environment, over them the pipeline, over both the digests', () => {
  const image = { repository: '127.0.0.1:7050/hello/hello', digest: digest('d') };
  expect(specOf({ values: { replicas: 1, host: 'staging.example.org' } })['values']).toEqual({
    replicas: 2,
    host: 'staging.example.org',
    image: { pullPolicy: 'Always', ...image },
    images: { image },
  });
});

test('the environment changes defaults but not what is released', () => {
  const spec = specOf({ timeout: '20s', releaseName: 'other', upgrade: { remediation: { retries: 2 } } });
  expect(spec).toMatchObject({
    timeout: '20s',
    releaseName: 'hello',
    interval: '10m',
    upgrade: { remediation: { retries: 2, remediateLastFailure: true, strategy: 'rollback' } },
  });
});

test.for([
  [undefined, 'is missing'],
  ['latest', 'is not a sha256 digest'],
])('a digest that is %s releases nothing', ([value, words]) => {
  const outputs = { 'chart-digest': digest('c'), ...(value ? { 'image-digest': value } : {}) };
  expect(buildRelease(request, { ...run, outputs }, target)).toEqual({
    ok: false,
    reason: `the run's output "image-digest" ${words}; the step that packages it did not finish properly`,
  });
});
