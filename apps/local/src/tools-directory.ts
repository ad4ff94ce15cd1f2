import { existsSync, lstatSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The tools that pods and users find in `bin/` of the data directory, and the host paths that they need. */
export type Tools = { readonly binDirectory: string; readonly readOnlyPaths: readonly string[] };

/** Fill `bin/` with node, sluice and what `binaries` names. */
export function fillToolsDirectory(binDirectory: string, binaries: Readonly<Record<string, string>> = {}): Tools {
  const packageRoot = workspaceRoot();
  const sluice = join(packageRoot, 'apps/cli/bin/sluice.mjs');
  link(join(binDirectory, 'node'), process.execPath);
  for (const [name, path] of Object.entries(binaries)) link(join(binDirectory, name), path);
  writeFileSync(join(binDirectory, 'sluice'), `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(sluice)} "$@"\n`, {
    mode: 0o755,
  });
  return { binDirectory, readOnlyPaths: [binDirectory, process.execPath, packageRoot, ...Object.values(binaries)] };
}

function link(path: string, target: string): void {
  if (isLink(path) && readlinkSync(path) === target) return;
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The directory that holds `apps/` and `node_modules/`. */
function workspaceRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'apps/cli/bin/sluice.mjs'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('the sluice command is not beside this program');
    directory = parent;
  }
  return directory;
}
