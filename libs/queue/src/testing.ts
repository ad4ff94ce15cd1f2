export type { FakeKeyValueStore } from './fake-key-value-store.ts';
export { fakeKeyValueStore } from './fake-key-value-store.ts';
export type { QueueContractCase, QueueContractEnvironment } from './queue-contract.ts';
export { queueContract } from './queue-contract.ts';
