import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VolumeContent } from './volume-content.ts';

/**
 * Write files so that a reader sees either all of the old or all of the new ones: they lie in a directory of their own,
 * `..data` links to it, and the visible names link through `..data`. Names of earlier content that are gone are removed.
 */
export async function writeAtomically(directory: string, content: VolumeContent, version: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const data = join(directory, '..data');
  const before = await readlink(data).catch(() => undefined);
  const target = `..${version}`;
  for (const [path, { bytes, mode }] of content) {
    const file = join(directory, target, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes, { mode: 0o600 });
    await chmod(file, mode);
  }
  if (content.size === 0) await mkdir(join(directory, target), { recursive: true });
  await rm(`${data}_tmp`, { force: true }); // left by a process that was killed here
  await symlink(target, `${data}_tmp`);
  await rename(`${data}_tmp`, data);
  const names = new Set([...content.keys()].map((path) => path.split('/')[0] ?? ''));
  for (const name of await readdir(directory)) {
    if (!name.startsWith('..') && !names.has(name)) await rm(join(directory, name), { force: true });
  }
  for (const name of names) {
    if (!existsSync(join(directory, name))) await symlink(join('..data', name), join(directory, name));
  }
  if (before && before !== target) await rm(join(directory, before), { recursive: true, force: true });
}
