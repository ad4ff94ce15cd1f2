import { ArtifactError } from './artifact-error.ts';

const maxKey = 1_024;

/** A key as a relative path. Throws for one that would lead out of its store. */
export function checkedKey(key: string): string {
  const refuse = (why: string): ArtifactError =>
    new ArtifactError('refused', `artifact key ${JSON.stringify(key.slice(0, 200))} ${why}`);
  if (key.length > maxKey) throw refuse(`has more than ${maxKey} characters`);
  if (key.includes('\0')) throw refuse('holds a NUL character');
  if (key.includes('{{')) throw refuse('holds a tag that was not replaced');
  const parts = key.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refuse('holds ".."');
  if (parts.length === 0) throw refuse('is empty');
  return parts.join('/');
}
