import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArtifactError } from './artifact-error.ts';
import type { ArtifactLimits } from './limits.ts';

/** A file to be kept: its path below the root (of a file itself: empty), and where it really is. */
export type FoundFile = { readonly path: string; readonly source: string };

export type Walk = {
  readonly limits: ArtifactLimits;
  readonly follow?: ((path: string) => string | undefined) | undefined;
};

const maxDepth = 64;

/** The files below a path. Links are refused, or followed where somebody knows where they lead; dangling ones are left out. */
export async function filesOf(root: string, { limits, follow }: Walk): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  const walk = async (path: string, source: string, depth: number): Promise<void> => {
    const stat = await lstat(source).catch(() => undefined);
    if (!stat || depth > maxDepth) return;
    if (stat.isSymbolicLink()) {
      if (!follow)
        throw new ArtifactError('refused', `${path || 'it'} is a link; only the archive strategy tar keeps links`);
      const target = follow(path);
      return target === undefined || target === source ? undefined : walk(path, target, depth + 1);
    }
    if (stat.isFile()) found.push({ path, source });
    if (found.length > limits.maxEntries)
      throw new ArtifactError('refused', `it has more than ${limits.maxEntries} files`);
    if (!stat.isDirectory()) return;
    for (const name of (await readdir(source)).toSorted()) await walk(join(path, name), join(source, name), depth + 1);
  };
  await walk('', root, 0);
  return found;
}

/** Copy a file or the files of a directory to a new place. */
export async function copyTree(source: string, target: string, walk: Walk): Promise<void> {
  const files = await filesOf(source, walk);
  if ((await lstat(source)).isDirectory()) await mkdir(target, { recursive: true });
  for (const file of files) {
    const to = join(target, file.path);
    await mkdir(dirname(to), { recursive: true });
    await copyFile(file.source, to, constants.COPYFILE_FICLONE);
  }
}

/** Put a finished file or directory in its place, replacing what is there. */
export async function moveInto(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}
