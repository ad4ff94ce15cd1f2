export type { EmbeddedQueuesOptions } from './embedded-queues.ts';
export { createEmbeddedQueues } from './embedded-queues.ts';
export type { KeyValueStore, StoreChange } from './key-value-store.ts';
export type {
  AddOptions,
  AddOutcome,
  DeadLetter,
  Handler,
  JobContext,
  JobEntry,
  JobState,
  JobStatus,
  Queue,
  Queues,
  QueueWorker,
  WorkOptions,
} from './queue.ts';
export { RedisSetupError } from './redis-check.ts';
export type { RedisQueuesOptions } from './redis-queues.ts';
export { createRedisQueues } from './redis-queues.ts';
export { openRedisQueues, redisSettings } from './redis-settings.ts';
