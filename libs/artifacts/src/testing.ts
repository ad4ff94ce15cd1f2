export type { S3Server } from './testing/s3-server.ts';
export { startS3Server } from './testing/s3-server.ts';
