export { ArtifactError } from './artifact-error.ts';
export type { ArtifactMoverOptions } from './artifact-mover.ts';
export { createArtifactMover, localPlugin } from './artifact-mover.ts';
export type { ArtifactLimits } from './limits.ts';
export { defaultLimits } from './limits.ts';
