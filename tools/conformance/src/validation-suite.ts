import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { judgeValidation, type ValidationCase } from './validation/player.ts';
import type { Suite } from './suite.ts';

/** Manifests that must pass or fail validation before anything runs. */
export const validationSuite: Suite = {
  name: 'validation',
  folder: 'validation',
  load: async (directory) => {
    const files = await manifestFiles(directory);
    return files.map((file) => ({
      set: basename(join(file, '..')),
      id: basename(file, '.yaml'),
      play: async () => judgeValidation(parse(await readFile(file, 'utf8')) as ValidationCase),
    }));
  },
};

/** The cases of a directory, or of the folders in it. */
async function manifestFiles(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of (await readdir(directory)).toSorted()) {
    const path = join(directory, name);
    if (name.endsWith('.yaml')) found.push(path);
    else if ((await stat(path)).isDirectory())
      found.push(
        ...(await readdir(path))
          .toSorted()
          .filter((file) => file.endsWith('.yaml'))
          .map((file) => join(path, file)),
      );
  }
  return found;
}
