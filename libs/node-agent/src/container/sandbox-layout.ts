import { posix } from 'node:path';
import { holds, type ContainerView, type ViewMount } from './container-view.ts';

/** A directory entry of the host or of an image. */
export type Entry = {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly target?: string;
};

/** Reads host directories; the only look at the disk that planning takes. */
export type DirectoryReader = {
  list(directory: string): readonly Entry[];
  kind(path: string): Entry['kind'] | undefined;
  /** Where a symbolic link leads. */
  target(path: string): string | undefined;
};

export type LayoutInput = {
  /** Host directory that becomes `/`, writable. */
  readonly rootfs: string;
  /** What is shown of the host, read-only; found once, see {@link findHostPaths}. */
  readonly host: readonly HostPath[];
  /** Files of the image, laid over the host's. */
  readonly image?: string;
  readonly volumes: readonly ViewMount[];
};

/** A part of the host that containers see: a link to be made, or a place to be mounted. */
export type HostPath = { readonly path: string; readonly source: string; readonly target?: string };

/** Those of these host paths that exist, as they are. */
export function findHostPaths(paths: readonly string[], disk: DirectoryReader): readonly HostPath[] {
  const found: HostPath[] = [];
  for (const path of paths) {
    const place = posix.normalize(path).replace(/(.)\/$/, '$1');
    const kind = disk.kind(place);
    if (kind === undefined || place === '/') continue;
    const target = kind === 'symlink' ? disk.target(place) : undefined;
    found.push({ path: place, source: place, ...(target === undefined ? {} : { target }) });
  }
  return found;
}

/** What bubblewrap is told: parents before children. */
export type Layout = {
  readonly binds: readonly ViewMount[];
  readonly symlinks: readonly { readonly path: string; readonly target: string }[];
  readonly view: ContainerView;
};

/** An image that overlaps host directories in more places than can be mounted one by one. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';
}

const maxMounts = 5_000;

/**
 * Lay host tools, image and volumes over each other. A mount needs an existing place; where that would be inside a
 * read-only directory that lacks it, that directory is replaced by mounts of its children, so that the place can be made.
 */
export function layOut(input: LayoutInput, disk: DirectoryReader): Layout {
  const tree = new MountTree(disk);
  for (const path of input.host) tree.addHostPath(path);
  if (input.image) tree.addImage('/', input.image);
  const volumes = input.volumes.toSorted((a, b) => depth(a.path) - depth(b.path));
  for (const volume of volumes) tree.addVolume(volume);
  const binds = [...tree.binds.values()].toSorted((a, b) => depth(a.path) - depth(b.path));
  const symlinks = [...tree.symlinks].map(([path, target]) => ({ path, target }));
  return { binds, symlinks, view: [{ path: '/', source: input.rootfs, readOnly: false }, ...binds] };
}

function depth(path: string): number {
  return path === '/' ? 0 : path.split('/').length;
}

class MountTree {
  readonly binds = new Map<string, ViewMount>();
  readonly symlinks = new Map<string, string>();
  readonly #disk: DirectoryReader;
  constructor(disk: DirectoryReader) {
    this.#disk = disk;
  }

  addHostPath({ path, source, target }: HostPath): void {
    const covering = this.#covering(path);
    if (covering && covering.source === covering.path) return;
    if (target !== undefined) this.symlinks.set(path, target);
    else this.#bind({ path, source, readOnly: true });
  }

  /** Lay the entries of an image directory over what is at `path`. */
  addImage(path: string, source: string): void {
    for (const entry of this.#disk.list(source)) {
      const place = posix.join(path, entry.name);
      const from = posix.join(source, entry.name);
      const below = this.#kindAt(place);
      if (entry.kind === 'directory' && below === 'directory') {
        this.addImage(place, from);
      } else if (entry.kind === 'directory' && below === 'symlink') {
        // The host has /bin -> usr/bin and the image a directory /bin: its files go where the link leads.
        const target = this.symlinks.get(place) ?? '';
        this.addImage(posix.resolve(posix.dirname(place), target), from);
      } else if (entry.kind === 'symlink') {
        this.#makeRoom(place);
        this.binds.delete(place);
        this.symlinks.set(place, entry.target ?? '');
      } else {
        if (below !== entry.kind) this.#makeRoom(place);
        this.symlinks.delete(place);
        this.#bind({ path: place, source: from, readOnly: true });
      }
    }
  }

  addVolume(volume: ViewMount): void {
    this.symlinks.delete(volume.path);
    const covering = this.#covering(volume.path);
    const wanted = this.#disk.kind(volume.source);
    if (covering?.readOnly && this.#kindAt(volume.path) !== wanted) this.#makeRoom(volume.path);
    this.#bind(volume);
  }

  #bind(mount: ViewMount): void {
    if (this.binds.size > maxMounts) {
      throw new LayoutError(
        'the image and its volumes overlap the host in too many places; build it with its own base',
      );
    }
    this.binds.delete(mount.path);
    this.binds.set(mount.path, mount);
  }

  /** The deepest mount that holds the path. */
  #covering(path: string): ViewMount | undefined {
    let best: ViewMount | undefined;
    for (const mount of this.binds.values()) {
      if (holds(mount.path, path) && mount.path.length > (best?.path.length ?? 0)) best = mount;
    }
    return best;
  }

  #kindAt(path: string): Entry['kind'] | undefined {
    if (this.symlinks.has(path)) return 'symlink';
    const covering = this.#covering(path);
    if (covering) return this.#disk.kind(posix.join(covering.source, posix.relative(covering.path, path)));
    const isParent = [...this.binds.keys(), ...this.symlinks.keys()].some((other) => holds(path, other));
    return isParent ? 'directory' : undefined;
  }

  /** Break up read-only mounts above the path until the path can be made in the writable root. */
  #makeRoom(path: string): void {
    for (;;) {
      const covering = this.#covering(path);
      if (!covering?.readOnly) return;
      this.binds.delete(covering.path);
      if (covering.path === path) return;
      for (const entry of this.#disk.list(covering.source)) {
        const place = posix.join(covering.path, entry.name);
        if (this.binds.has(place) || this.symlinks.has(place)) continue;
        if (entry.kind === 'symlink') this.symlinks.set(place, entry.target ?? '');
        else this.#bind({ path: place, source: posix.join(covering.source, entry.name), readOnly: true });
      }
    }
  }
}
