export type { FakeRequest } from './fake/fake-kube.ts';
export { FakeKube } from './fake/fake-kube.ts';
export type { KubeApiContractCase } from './fake/kube-api-contract.ts';
export { kubeApiContract } from './fake/kube-api-contract.ts';
