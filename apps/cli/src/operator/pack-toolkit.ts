import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const top = '@sluice/operator';

type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
};

/**
 * Make one npm package of the toolkit in a directory: its compiled code, and inside of it that of every package of Sluice that it is
 * made of, so that it can be installed anywhere. What is not of Sluice stays an ordinary dependency. Answers the name of the file.
 */
export async function packToolkit(checkout: string, directory: string, signal: AbortSignal): Promise<string> {
  const tsc = join(checkout, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '-b', 'libs/operator'], { cwd: checkout, timeout: 180_000, signal });
  const stage = await mkdtemp(join(tmpdir(), 'sluice-toolkit-'));
  try {
    const parts = await closureOf(checkout);
    for (const part of parts) {
      const folder = part.name === top ? stage : join(stage, 'node_modules', part.name);
      await stagePart(checkout, part, folder, part.name === top ? bundleOf(parts) : {});
    }
    await mkdir(directory, { recursive: true });
    const args = ['pack', '--silent', '--pack-destination', directory];
    const { stdout } = await run('npm', args, { cwd: stage, timeout: 120_000, signal, maxBuffer: 16 << 20 });
    return stdout.trim().split('\n').at(-1) ?? '';
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** The toolkit and every package of Sluice that it needs, itself first. */
async function closureOf(checkout: string): Promise<readonly Manifest[]> {
  const found = new Map<string, Manifest>();
  const open = [top];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    const text = await readFile(join(checkout, folderOf(name), 'package.json'), 'utf8');
    const manifest = JSON.parse(text) as Manifest;
    found.set(name, manifest);
    open.push(...Object.keys(manifest.dependencies ?? {}).filter(isOurs));
  }
  return [...found.values()];
}

const isOurs = (name: string): boolean => name.startsWith('@sluice/');
const folderOf = (name: string): string => `libs/${name.slice('@sluice/'.length)}`;

/** What the outer package depends on: all that its parts need from elsewhere, and the parts themselves, which it brings along. */
function bundleOf(parts: readonly Manifest[]): Partial<Record<string, unknown>> {
  const inner = parts.filter(({ name }) => name !== top);
  const others = parts.flatMap(({ dependencies = {} }) =>
    Object.entries(dependencies).filter(([name]) => !isOurs(name)),
  );
  const dependencies = {
    ...Object.fromEntries(inner.map(({ name, version }) => [name, version])),
    ...Object.fromEntries(others),
  };
  return { dependencies, bundleDependencies: inner.map(({ name }) => name) };
}

function withoutSource(conditions: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(conditions).filter(([name]) => name !== '@sluice/source'));
}

async function stagePart(
  checkout: string,
  manifest: Manifest,
  folder: string,
  more: Partial<Record<string, unknown>>,
): Promise<void> {
  const { name, version, description, license, type, dependencies } = manifest;
  const exports = Object.fromEntries(
    Object.entries(manifest.exports ?? {}).map(([path, conditions]) => [path, withoutSource(conditions)]),
  );
  const kept = { name, version, description, license, type, exports, dependencies, engines: { node: '>=24' }, ...more };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
  const source = join(checkout, folderOf(name));
  const filter = (path: string): boolean => !/\.(map|tsbuildinfo)$/.test(path);
  await cp(join(source, 'dist'), join(folder, 'dist'), { recursive: true, filter });
  for (const file of ['README.md', 'LICENSE']) {
    await cp(join(source, file), join(folder, file)).catch(() => undefined); // not every package has both
  }
}
