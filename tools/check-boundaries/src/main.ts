/** Fails on an import that the layer table lacks, on one missing from the importer's package.json, and on deep imports. */
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importsOf, packageOf } from './imports.ts';
import { type Layer, layers, refuseOutsideImport, refuseWorkspaceImport } from './layers.ts';

type Manifest = {
  name: string;
  nx?: { tags?: string[] };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
};
type Project = { directory: string; name: string; layer: Layer; manifest: Manifest };

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
/** Test tools that the root package.json provides to every project. */
const everywhereInTests = ['vitest', 'fast-check'];

const projects = ['libs', 'apps', 'tools'].flatMap((group) =>
  readdirSync(join(root, group))
    .filter((name) => existsSync(join(root, group, name, 'package.json')))
    .map((name) => readProject(`${group}/${name}`)),
);
const byName = new Map(projects.map((project) => [project.name, project]));

function readProject(directory: string): Project {
  const manifest = JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8')) as Manifest;
  const layer = layers.find((name) => manifest.nx?.tags?.includes(`layer:${name}`));
  if (!layer) throw new Error(`${directory}/package.json: nx.tags has no layer: tag`);
  return { directory, name: manifest.name, layer, manifest };
}

function problemsOf(project: Project, file: string): string[] {
  const isTest = /\.test\.ts$|(^|\/)test\/|\/testing(\.ts|\/)|-contract\.ts$/.test(file);
  const isProse = isTest || project.layer === 'tool';
  const problems: string[] = [];
  for (const specifier of importsOf(readFileSync(join(root, project.directory, file), 'utf8'))) {
    const refusal = refuse(project, specifier, isTest, isProse);
    if (refusal) problems.push(`${project.directory}/${file}: ${specifier}: ${refusal}`);
  }
  return problems;
}

function refuse(project: Project, specifier: string, isTest: boolean, isProse: boolean): string | undefined {
  if (specifier.startsWith('.'))
    return /(^|\/)index\.ts$/.test(specifier) ? 'import the file, not the own index' : undefined;
  const name = packageOf(specifier);
  if (name === project.name) return 'a project does not import itself by name';
  const target = byName.get(name);
  const declared = { ...project.manifest.dependencies, ...(isProse ? project.manifest.devDependencies : {}) };
  const isDeclared = name.startsWith('node:') || name in declared || (isTest && everywhereInTests.includes(name));
  if (!isDeclared) return `${project.directory}/package.json does not declare ${name}`;
  if (!target) return isTest ? undefined : refuseOutsideImport(project, name);
  if (specifier.endsWith('/testing') && !isProse) return 'testing is only for tests';
  if (specifier !== name && specifier !== `${name}/testing`) return 'deep import';
  return isTest && project.layer !== 'core' && project.layer !== 'model'
    ? undefined
    : refuseWorkspaceImport(project, target);
}

const problems = projects.flatMap((project) =>
  globSync('{src,test}/**/*.ts', { cwd: join(root, project.directory) }).flatMap((file) => problemsOf(project, file)),
);
for (const problem of problems) console.error(problem);
console.log(`${projects.length} projects, ${problems.length} imports that may not be`);
process.exit(problems.length > 0 ? 1 : 0);
