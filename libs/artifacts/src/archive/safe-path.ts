import { lstat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { ArtifactError } from '../artifact-error.ts';

/** The relative path of an archive's entry. Throws for one that would leave the directory that it is unpacked to. */
export function entryPath(name: string): string {
  const shown = JSON.stringify(name.slice(0, 200));
  if (name.includes('\0') || name.includes('\\')) throw refused(`entry ${shown} has a name that is no path`);
  if (posix.isAbsolute(name)) throw refused(`entry ${shown} has an absolute path`);
  const path = posix.normalize(name).replace(/\/$/, '');
  if (path === '..' || path.startsWith('../')) throw refused(`entry ${shown} would leave the directory`);
  return path;
}

/** Throws for a symbolic link that leads out of the archive. */
export function checkLink(path: string, target: string): void {
  const place = posix.normalize(posix.join(posix.dirname(path), target));
  if (posix.isAbsolute(target) || target.includes('\0') || place === '..' || place.startsWith('../'))
    throw refused(`entry ${JSON.stringify(path.slice(0, 200))} is a link out of the archive`);
}

/** Throws when a parent of the entry is a link that an earlier entry made: nothing is written through links. */
export async function checkParents(root: string, path: string): Promise<void> {
  const parts = path.split('/').slice(0, -1);
  let parent = root;
  for (const part of parts) {
    parent = join(parent, part);
    const found = await lstat(parent).catch(() => undefined);
    if (found && !found.isDirectory())
      throw refused(`entry ${JSON.stringify(path.slice(0, 200))} lies below something that is no directory`);
  }
}

/** What an archive is refused for. */
export function refused(message: string, options?: ErrorOptions): ArtifactError {
  return new ArtifactError('refused', `the archive is not unpacked: ${message}`, options);
}
