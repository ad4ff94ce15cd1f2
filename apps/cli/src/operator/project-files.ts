import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProjectNames } from './project-names.ts';
import { type ProjectPackages, projectTools } from './project-packages.ts';

const template = join(dirname(fileURLToPath(import.meta.url)), '../../templates/operator');

/** The flag that resolves packages of a checkout to their sources. */
const sourceFlag = ' --conditions=@sluice/source';

/** The files of a new operator by path: the template, renamed. The template is a working operator for the kind `Sample`. */
export function projectFiles(names: ProjectNames, packages: ProjectPackages): ReadonlyMap<string, string> {
  const files = readdirSync(template, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(template.length + 1))
    .filter((path) => !path.startsWith('node_modules') && !path.startsWith('dist'));
  return new Map(
    files.toSorted().map((path) => {
      const text = readFileSync(join(template, path), 'utf8');
      const target = renamed(path, names).replace(/(^|\/)gitignore$/, '$1.gitignore');
      return [target, withPackages(path, renamed(text, names), packages)];
    }),
  );
}

function renamed(text: string, { name, kind, plural, group }: ProjectNames): string {
  return text
    .replaceAll('apps.example.com', group)
    .replaceAll('Sample', kind)
    .replaceAll('singular: sample', `singular: ${kind.toLowerCase()}`)
    .replaceAll(/\bsamples\b/g, plural)
    .replaceAll(/\bsample\b/g, name);
}

function withPackages(path: string, text: string, packages: ProjectPackages): string {
  if (path === 'README.md') return text.replace('PACKAGES', packages.explanation);
  const adapted = packages.fromSource ? text : withoutSources(path, text);
  return path === 'package.json' ? manifest(adapted, packages) : adapted;
}

/** The manifest with what the project depends on. Tools that `packages` does not name go. */
export function manifest(text: string, packages: ProjectPackages): string {
  const parsed = JSON.parse(text) as Record<string, Readonly<Record<string, string>>>;
  const merged = (field: 'dependencies' | 'devDependencies'): Record<string, string> => {
    const kept = Object.entries(parsed[field] ?? {}).filter(([name]) => !projectTools.some((tool) => tool === name));
    return { ...Object.fromEntries(kept), ...packages[field] };
  };
  const dependencies = merged('dependencies');
  return `${JSON.stringify({ ...parsed, dependencies, devDependencies: merged('devDependencies') }, null, 2)}\n`;
}

/** The same file for packages that hold compiled code only. */
export function withoutSources(path: string, text: string): string {
  if (path === 'package.json') return text.replaceAll(sourceFlag, '');
  if (path === 'tsconfig.json') return text.replace(/,\n\s*"customConditions": \["@sluice\/source"\]/, '');
  if (path === 'rolldown.config.mjs') return text.replace(/\n\s*resolve: \{ conditionNames: .*/, '');
  return text;
}
