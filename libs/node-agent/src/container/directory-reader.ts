import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { DirectoryReader, Entry } from './sandbox-layout.ts';

/** Reads the real disk. */
export const diskReader: DirectoryReader = {
  list(directory) {
    return readdirSync(directory, { withFileTypes: true }).map((entry): Entry => {
      if (entry.isSymbolicLink()) {
        return { name: entry.name, kind: 'symlink', target: readlinkSync(join(directory, entry.name)) };
      }
      return { name: entry.name, kind: entry.isDirectory() ? 'directory' : 'file' };
    });
  },
  kind(path) {
    const stats = statOf(path);
    if (!stats) return undefined;
    if (stats.isSymbolicLink()) return 'symlink';
    return stats.isDirectory() ? 'directory' : 'file';
  },
  target(path) {
    try {
      return readlinkSync(path);
    } catch {
      return undefined;
    }
  },
};

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
