export type { FakeRequest } from '@sluice/reconcile/testing';
export { FakeKube } from '@sluice/reconcile/testing';
export { eventually } from './testing/eventually.ts';
export type { FakeRunOptions } from './testing/run-on-fake.ts';
export { runOnFake } from './testing/run-on-fake.ts';
export type { TestCluster, TestClusterOptions } from './testing/test-cluster.ts';
export { startTestCluster } from './testing/test-cluster.ts';
export { applyManifests } from './testing/apply-manifests.ts';
