/**
 * Writes each project's tsconfig files from its package.json, so that dependencies are stated once.
 * `--check` writes nothing and exits 1 when a file differs.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

type Manifest = { name: string; dependencies?: Record<string, string>; devDependencies?: Record<string, string> };

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const check = process.argv.includes('--check');

const projects = ['libs', 'apps', 'tools'].flatMap((group) =>
  readdirSync(join(root, group))
    .filter((name) => existsSync(join(root, group, name, 'package.json')))
    .map((name) => ({ directory: `${group}/${name}`, manifest: readManifest(`${group}/${name}`) })),
);
const directoryOf = new Map(projects.map(({ directory, manifest }) => [manifest.name, directory]));

function readManifest(directory: string): Manifest {
  return JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8')) as Manifest;
}

function referencesOf(directory: string, names: readonly string[]): { path: string }[] {
  return names
    .flatMap((name) => directoryOf.get(name) ?? [])
    .sort()
    .map((target) => ({ path: relative(directory, target) }));
}

function filesOf(directory: string, manifest: Manifest): Record<string, unknown> {
  const dependencies = Object.keys(manifest.dependencies ?? {});
  const base = `${relative(directory, '.') || '.'}/tsconfig.base.json`;
  const build = {
    extends: base,
    compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
    include: ['src'],
    exclude: ['src/**/*.test.ts'],
    references: referencesOf(directory, dependencies),
  };
  const test = {
    extends: base,
    compilerOptions: { noEmit: true, composite: false, declaration: false, declarationMap: false, sourceMap: false },
    include: ['src', 'test'],
  };
  return { 'tsconfig.json': build, 'tsconfig.test.json': test };
}

const style = await resolveConfig(join(root, 'package.json'));
const stale: string[] = [];
for (const { directory, manifest } of projects) {
  for (const [file, value] of Object.entries(filesOf(directory, manifest))) {
    const path = join(root, directory, file);
    const want = await format(JSON.stringify(value, null, 2), { ...style, filepath: path });
    if (existsSync(path) && readFileSync(path, 'utf8') === want) continue;
    stale.push(`${directory}/${file}`);
    if (!check) writeFileSync(path, want);
  }
}
if (check && stale.length > 0) {
  console.error(`${stale.join('\n')}\nnot as package.json says; run: npm run workspace`);
  process.exit(1);
}
if (!check && stale.length > 0) console.log(`wrote ${stale.length} files`);
