import type { BlobFiles } from './blob-files.ts';
import type { PushGate } from './push-gate.ts';
import type { RepositoryFiles } from './repository-files.ts';
import type { Uploads } from './uploads.ts';

/** What the routes work on. */
export type RegistryParts = {
  readonly blobs: BlobFiles;
  readonly repositories: RepositoryFiles;
  readonly uploads: Uploads;
  readonly gate: PushGate;
};
