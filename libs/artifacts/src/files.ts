import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArtifactError } from './artifact-error.ts';
import type { ArtifactLimits } from './limits.ts';

/** The files below a path, as paths relative to it; of a file itself: one empty path. Links are refused. */
export async function filesOf(root: string, limits: ArtifactLimits): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (path: string): Promise<void> => {
    const stat = await lstat(join(root, path));
    if (stat.isSymbolicLink())
      throw new ArtifactError('refused', `${path || 'it'} is a link; only the archive strategy tar keeps links`);
    if (stat.isFile()) found.push(path);
    if (found.length > limits.maxEntries)
      throw new ArtifactError('refused', `it has more than ${limits.maxEntries} files`);
    if (!stat.isDirectory()) return;
    for (const name of (await readdir(join(root, path))).toSorted()) await walk(join(path, name));
  };
  await walk('');
  return found;
}

/** Copy a file or the files of a directory to a new place. */
export async function copyTree(source: string, target: string, limits: ArtifactLimits): Promise<void> {
  const files = await filesOf(source, limits);
  if ((await lstat(source)).isDirectory()) await mkdir(target, { recursive: true });
  for (const file of files) {
    const to = join(target, file);
    await mkdir(dirname(to), { recursive: true });
    await copyFile(join(source, file), to, constants.COPYFILE_FICLONE);
  }
}

/** Put a finished file or directory in its place, replacing what is there. */
export async function moveInto(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}
