import { randomUUID } from 'node:crypto';
import { lstat, mkdir, realpath, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArtifactError } from '../artifact-error.ts';
import { copyTree, filesOf, moveInto } from '../files.ts';
import { checkedKey } from '../key.ts';
import { type Driver, type DriverContext, requiredField, textField } from './driver.ts';

/** Artifacts in a directory of this machine, apart for each namespace. What is written there shows up whole or not at all. */
export function directoryDriver(root: string): Driver {
  const place = (key: string, { namespace }: DriverContext): string => join(root, checkedKey(namespace), key);
  return {
    async load(settings, target, context) {
      const key = checkedKey(requiredField(settings, 'key', 'plugin'));
      const source = place(key, context);
      await checkInside(root, source, key);
      await copyTree(source, target, { limits: context.limits });
    },
    async save(settings, source, context) {
      const key = checkedKey(requiredField(settings, 'key', 'plugin'));
      const partial = join(root, '.partial', randomUUID());
      await mkdir(dirname(partial), { recursive: true, mode: 0o700 });
      try {
        await copyTree(source, partial, context);
        await moveInto(partial, place(key, context));
      } finally {
        await rm(partial, { recursive: true, force: true });
      }
    },
    async list(settings, context) {
      const key = textField(settings, 'key');
      const base = key === undefined ? join(root, checkedKey(context.namespace)) : place(checkedKey(key), context);
      if (!(await lstat(base).catch(() => undefined))) return [];
      const files = await filesOf(base, { limits: context.limits });
      return files.map(({ path }) => [key, path].filter(Boolean).join('/')).toSorted();
    },
    async remove(settings, context) {
      const path = place(checkedKey(requiredField(settings, 'key', 'plugin')), context);
      await rm(path, { recursive: true, force: true });
      // Directories that are empty now go too, up to the namespace's own.
      const top = join(root, checkedKey(context.namespace));
      for (let parent = dirname(path); parent.startsWith(`${top}/`); parent = dirname(parent)) {
        const gone = await rmdir(parent).then(
          () => true,
          () => false,
        );
        if (!gone) return;
      }
    },
  };
}

/** Throws when there is nothing at the place, or when a link leads elsewhere. */
async function checkInside(root: string, path: string, key: string): Promise<void> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined)
    throw new ArtifactError('missing', `there is no artifact with the key ${JSON.stringify(key)}`);
  if (!real.startsWith(`${await realpath(root)}/`))
    throw new ArtifactError('refused', `artifact key ${JSON.stringify(key)} leads out of the store`);
}
