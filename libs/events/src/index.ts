export type { DeliveryJob } from './delivery-job.ts';
export { deliveriesQueue, parseDeliveryJob } from './delivery-job.ts';
export type {
  Actor,
  ButtonEvent,
  CommentEvent,
  EventRepository,
  GitEvent,
  IgnoredEvent,
  LookEvent,
  MergeGroupEvent,
  PingEvent,
  PullAction,
  PullRequestEvent,
  PushEvent,
} from './git-event.ts';
export { noCommit } from './git-event.ts';
export type { Delivery } from './normalise.ts';
export { checkShape, normalise } from './normalise.ts';
