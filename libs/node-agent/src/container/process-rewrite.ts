import { hostPathOf, type ContainerView } from './container-view.ts';

/**
 * A function that rewrites the paths of a container in texts (command, args, values of variables) to the host paths
 * behind them, for the runtime without a mount namespace. `paths` are the places that are rewritten: mount paths, /tmp
 * and output files; a text is changed only where such a path stands on its own: `/tmp/a` and `--out=/tmp` are, `/a/tmp`,
 * `/tmpfile` and `$X/tmp` are not. The deepest path wins. `kept` are paths of the host that mean themselves, such as
 * those of tools.
 */
export function pathRewriter(
  view: ContainerView,
  paths: readonly string[],
  kept: readonly string[] = [],
): (text: string) => string {
  const targets = new Map<string, string>(kept.map((path) => [path, path]));
  for (const path of paths) if (path !== '/') targets.set(path, hostPathOf(view, path));
  if (targets.size === 0) return (text) => text;
  const alternatives = [...targets.keys()]
    .sort((a, b) => b.length - a.length)
    .map((path) => path.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('|');
  const before = String.raw`(?:(?<![\w.\-/~*})\]\\])|(?<=\bfile://))`;
  const after = String.raw`(?![\w\-]|\.\w)`;
  const pattern = new RegExp(`${before}(?:${alternatives})${after}`, 'g');
  return (text) => text.replace(pattern, (path) => targets.get(path) ?? path);
}
