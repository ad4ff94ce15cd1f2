export type { FakeKubelet } from './fake-kubelet.ts';
export { startFakeKubelet } from './fake-kubelet.ts';
