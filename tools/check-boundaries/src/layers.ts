/** The layer table of STYLE.md section 3: who may import whom, by workspace package and by outside package. */
export type Layer = 'model' | 'core' | 'adapter' | 'embedded' | 'runtime' | 'toolkit' | 'app' | 'tool';

export const layers: readonly Layer[] = ['model', 'core', 'adapter', 'embedded', 'runtime', 'toolkit', 'app', 'tool'];

type Importer = { readonly name: string; readonly layer: Layer };

/** Outside packages that a core lib may import: pure ones only. */
const purePackages: Readonly<Record<string, readonly string[]>> = {
  '@sluice/pipeline': ['yaml'],
  '@sluice/expr': ['re2js'],
  '@sluice/release': ['semver'],
};

/** Packages that exactly one lib may import; tools may too, to play a client against the cluster or to measure beside it. */
const soleImporters: Readonly<Record<string, string>> = {
  '@kubernetes/client-node': '@sluice/kube',
  bullmq: '@sluice/queue',
  ioredis: '@sluice/queue',
  octokit: '@sluice/forge',
  lmdb: '@sluice/store',
};

const layersAllowed: Readonly<Record<Layer, readonly Layer[]>> = {
  model: [],
  core: ['model'],
  adapter: ['model', 'runtime'],
  embedded: ['model', 'runtime', 'embedded', 'core'],
  runtime: [],
  // What operators of other people are written with: it joins adapters as an app does, and is imported by none of our own.
  toolkit: ['model', 'adapter', 'runtime'],
  app: ['model', 'core', 'adapter', 'embedded', 'runtime'],
  tool: ['model', 'core', 'adapter', 'embedded', 'runtime', 'toolkit', 'app', 'tool'],
};

/** Why `importer` may not import the workspace package `target`, or undefined when it may. */
export function refuseWorkspaceImport(importer: Importer, target: Importer): string | undefined {
  if (layersAllowed[importer.layer].includes(target.layer)) return undefined;
  if (importer.layer === 'core' && target.name === '@sluice/expr') return undefined;
  if (importer.layer === 'embedded' && target.name === '@sluice/reconcile') return undefined;
  // libs/kube implements the port that libs/reconcile declares, and throws its error class.
  if (importer.name === '@sluice/kube' && target.name === '@sluice/reconcile') return undefined;
  if (importer.layer === 'app' && target.layer === 'app') {
    if (importer.name === '@sluice/local' || (importer.name === '@sluice/cli' && target.name === '@sluice/local'))
      return undefined;
  }
  return `${importer.layer} may not import ${target.layer}`;
}

/** Why `importer` may not import the outside package or Node module `target`, or undefined when it may. */
export function refuseOutsideImport(importer: Importer, target: string): string | undefined {
  const sole = soleImporters[target];
  if (sole && sole !== importer.name && importer.layer !== 'tool') return `only ${sole} imports ${target}`;
  if (importer.layer !== 'core' && importer.layer !== 'model') return undefined;
  if (target.startsWith('node:')) return `${importer.layer} is pure and may not import ${target}`;
  if (purePackages[importer.name]?.includes(target)) return undefined;
  return `${importer.layer} may not import ${target}`;
}
