import { lstatSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';

/** A place in the container's file system and the host directory or file behind it. */
export type ViewMount = { readonly path: string; readonly source: string; readonly readOnly: boolean };

/** What a container sees: the deepest mount that holds a path wins. `/` must be among them. */
export type ContainerView = readonly ViewMount[];

const maxLinks = 40;

/** A path that leads out of the container, or through too many links. */
export class PathEscape extends Error {
  override readonly name = 'PathEscape';
}

/** The host path of a lexical path in the container, without looking at the disk. */
export function hostPathOf(view: ContainerView, path: string): string {
  const clean = posix.normalize(path);
  let best: ViewMount | undefined;
  for (const mount of view) if (holds(mount.path, clean) && mount.path.length >= (best?.path.length ?? 0)) best = mount;
  if (!best) throw new PathEscape(`${path} is not inside the container`);
  const rest = clean.slice(best.path === '/' ? 1 : best.path.length + 1);
  return rest === '' ? best.source : posix.join(best.source, rest);
}

/**
 * The host path of a path in the container with every symbolic link followed as the container would follow it: a link to
 * /etc/passwd is the container's /etc/passwd, never the host's. What does not exist stays as it is.
 */
export function resolveInView(view: ContainerView, path: string): string {
  let links = 0;
  let done = '/';
  let todo = posix.normalize(posix.join('/', path)).split('/').filter(Boolean);
  while (todo.length > 0) {
    const [name = '', ...rest] = todo;
    todo = rest;
    if (name === '..') {
      done = posix.dirname(done);
      continue;
    }
    const next = posix.join(done, name);
    const target = linkTarget(hostPathOf(view, next));
    if (target === undefined) {
      done = next;
      continue;
    }
    if (++links > maxLinks) throw new PathEscape(`${path}: too many symbolic links`);
    if (target.startsWith('/')) done = '/';
    todo = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...todo];
  }
  return hostPathOf(view, done);
}

/** True when `path` is `directory` or below it. */
export function holds(directory: string, path: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}
