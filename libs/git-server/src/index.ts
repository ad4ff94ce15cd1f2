export type { Deliver, WebhookDelivery } from './outbox.ts';
export { DeliveryRefused } from './outbox.ts';
export type {
  Annotation,
  CheckRecord,
  CommentRecord,
  DeploymentRecord,
  PullRecord,
  PullState,
  UserRecord,
} from './records.ts';
export type { GitServer, GitServerOptions } from './server.ts';
export { createGitServer } from './server.ts';
