export { ArtifactError } from './artifact-error.ts';
export type { ArtifactMoverOptions } from './artifact-mover.ts';
export { createArtifactMover, localPlugin } from './artifact-mover.ts';
export { shown as shownUrl } from './driver/http-request.ts';
export type { TextAnswer, TextRequest } from './fetch-text.ts';
export { fetchText } from './fetch-text.ts';
export type { ArtifactLimits } from './limits.ts';
export { defaultLimits } from './limits.ts';
