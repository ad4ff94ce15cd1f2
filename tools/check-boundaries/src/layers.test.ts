import { expect, test } from 'vitest';
import { importsOf, packageOf } from './imports.ts';
import { refuseOutsideImport, refuseWorkspaceImport } from './layers.ts';

const pure = { name: '@sluice/workflow', layer: 'core' } as const;

test.for([
  { name: 'core imports model', from: pure, to: { name: '@sluice/model', layer: 'model' }, refused: false },
  { name: 'core imports expr', from: pure, to: { name: '@sluice/expr', layer: 'core' }, refused: false },
  { name: 'core imports another core lib', from: pure, to: { name: '@sluice/pod', layer: 'core' }, refused: true },
  { name: 'core imports an adapter', from: pure, to: { name: '@sluice/kube', layer: 'adapter' }, refused: true },
  {
    name: 'an adapter imports another',
    from: { name: '@sluice/git', layer: 'adapter' },
    to: { name: '@sluice/kube', layer: 'adapter' },
    refused: true,
  },
  {
    name: 'embedded imports reconcile',
    from: { name: '@sluice/node-agent', layer: 'embedded' },
    to: { name: '@sluice/reconcile', layer: 'adapter' },
    refused: false,
  },
  {
    name: 'local starts another app',
    from: { name: '@sluice/local', layer: 'app' },
    to: { name: '@sluice/orchestrator', layer: 'app' },
    refused: false,
  },
  {
    name: 'an app imports another',
    from: { name: '@sluice/orchestrator', layer: 'app' },
    to: { name: '@sluice/local', layer: 'app' },
    refused: true,
  },
] as const)('$name: refused $refused', ({ from, to, refused }) => {
  expect(refuseWorkspaceImport(from, to) !== undefined).toBe(refused);
});

test('core may import neither Node modules nor undeclared packages', () => {
  expect(refuseOutsideImport(pure, 'node:fs')).toMatch(/pure/);
  expect(refuseOutsideImport(pure, 'yaml')).toBeDefined();
  expect(refuseOutsideImport({ name: '@sluice/pipeline', layer: 'core' }, 'yaml')).toBeUndefined();
});

test('only one lib imports the queue library', () => {
  expect(refuseOutsideImport({ name: '@sluice/orchestrator', layer: 'app' }, 'bullmq')).toMatch(/@sluice\/queue/);
});

test('finds static, type, re-exported, side-effect and dynamic imports but not those in comments', () => {
  const dynamic = ['im', "port('e')"].join('');
  const source = [
    "import a from 'a';",
    'import type { B } from "b";',
    "export { c } from './c.ts';",
    "import 'd';",
    `await ${dynamic};`,
    "// import 'x'",
    "/* import y from 'y' */",
  ].join('\n');
  expect(importsOf(source)).toEqual(['a', 'b', './c.ts', 'd', 'e']);
});

test('names the package of a deep specifier', () => {
  expect(packageOf('@scope/name/deep')).toBe('@scope/name');
  expect(packageOf('fs')).toBe('node:fs');
});
