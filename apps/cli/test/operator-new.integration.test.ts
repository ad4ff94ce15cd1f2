import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run, sluice } from './cluster.ts';

const scratch = mkdtempSync(join(tmpdir(), 'sluice-operator-'));
const checkout = join(import.meta.dirname, '../../..');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, HOME: scratch };
const npm = (directory: string, ...args: string[]) => run('npm', args, { cwd: directory, env });
const make = (...args: string[]) => sluice(['operator', 'new', ...args], { cwd: scratch, env });

/** Start a script and wait until it says something; then end it as a terminal does. Answers its output and its exit code. */
async function until(
  directory: string,
  script: string,
  text: string,
): Promise<{ output: string; code: number | null }> {
  const { scripts } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [, ...words] = (scripts[script] ?? '').split(' ');
  const child = spawn(process.execPath, words, { cwd: directory, env, stdio: 'pipe' });
  let output = '';
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await new Promise<void>((resolve) => {
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes(text)) resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('close', () => resolve());
  });
  child.kill('SIGINT');
  return { code: await ended, output };
}

// The limit is the promise: from nothing to a running operator in under a minute, npm install and all.
test(
  'a new operator outside of the checkout runs within a minute, and its tests, types and bundle are good',
  { timeout: 60_000 },
  async () => {
    const made = await make('cache-policy', '--group', 'things.example.org');
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('files written to') });
    const project = join(scratch, 'cache-policy');
    const dev = await until(project, 'dev', 'The operator works');
    expect(dev.output).toContain('CachePolicy hello: 2 of 2 servers are ready');
    expect(dev.code).toBe(0);
    const tests = await npm(project, 'test');
    expect(tests.out).toMatch(/(pass 4[\s\S]*fail 0)/);
    expect((await npm(project, 'run', 'typecheck')).code).toBe(0);
    expect((await npm(project, 'run', 'build')).code).toBe(0);
    const bundle = await run(process.execPath, ['dist/main.mjs', 'manifests'], { cwd: project, env });
    expect(bundle.out).toContain('name: cachepolicies.things.example.org');
    const files = readdirSync(project, { recursive: true })
      .map(String)
      .filter((path) => !path.includes('node_modules'));
    expect(files.filter((path) => /sample/i.test(path))).toEqual([]);
  },
);

test.for([
  [['Web Site'], 'try "web-site"'],
  [['shop', '--directory', 'no/such/place'], 'does not exist; make it first'],
  [[], "missing required argument 'name'"],
] as const)('%o is refused with a reason, and nothing is written', async ([args, message]) => {
  const before = readdirSync(scratch).toSorted();
  const { code, err } = await make(...args);
  expect(err).toMatch(message);
  expect(code).toBe(2);
  expect(readdirSync(scratch).toSorted()).toEqual(before);
});

test('a directory with something in it is left alone, an empty one is used', async () => {
  mkdirSync(join(scratch, 'full'));
  writeFileSync(join(scratch, 'full/notes.txt'), 'mine');
  const refused = await make('full', '--no-install');
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('is not empty, so nothing was written') });
  expect(readdirSync(join(scratch, 'full'))).toEqual(['notes.txt']);
  mkdirSync(join(scratch, 'empty'));
  expect((await make('empty', '--no-install')).code).toBe(0);
  expect(existsSync(join(scratch, 'empty/src/main.ts'))).toBe(true);
});

test('npm run new-operator does the same, where npm was called', async () => {
  const there = join(scratch, 'there');
  mkdirSync(there);
  const tool = join(checkout, 'tools/new-operator/src/main.ts');
  const args = ['--conditions=@sluice/source', tool, 'shop', '--no-install'];
  const made = await run(process.execPath, args, { env: { ...env, INIT_CWD: there } });
  expect(made).toMatchObject({ code: 0, out: `18 files written to ${join(there, 'shop')}\n` });
  expect((await run(process.execPath, [...args.slice(0, 2), 'Bad Name'], { env })).code).toBe(2);
});

test('a vendored operator needs the checkout no more', { timeout: 60_000 }, async () => {
  await make('alone', '--no-install');
  const project = join(scratch, 'alone');
  const vendored = await sluice(['operator', 'vendor'], { cwd: project, env });
  expect(vendored).toMatchObject({ code: 0, out: 'vendor/sluice-operator-0.1.0.tgz\n' });
  for (const file of ['package.json', 'tsconfig.json', 'rolldown.config.mjs', 'README.md']) {
    expect(readFileSync(join(project, file), 'utf8'), file).not.toMatch(
      /file:\.\.|@sluice\/source|linked to the checkout/,
    );
  }
  // What npm install does, without asking a registry: the archive unpacked, and what is not of Sluice beside it.
  const target = join(project, 'node_modules/@sluice/operator');
  mkdirSync(target, { recursive: true });
  const archive = join(project, 'vendor/sluice-operator-0.1.0.tgz');
  await run('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
  const { dependencies } = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies).filter((dependency) => !dependency.startsWith('@sluice/'))) {
    const owner = ['', 'libs/apiserver', 'libs/kube', 'libs/node-agent'].map((part) =>
      join(checkout, part, 'node_modules', name),
    );
    const place = owner.toReversed().find((path) => existsSync(path)) ?? '';
    mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true });
    symlinkSync(place, join(project, 'node_modules', name));
  }
  const tests = await run(process.execPath, ['--test', 'test/operator.test.ts', 'test/cluster.test.ts'], {
    cwd: project,
    env,
  });
  expect(tests.out).toMatch(/pass 4[\s\S]*fail 0/);
});

test('only an operator can be vendored', async () => {
  expect(await sluice(['operator', 'vendor'], { cwd: scratch, env })).toMatchObject({
    code: 2,
    err: expect.stringContaining('is not an operator'),
  });
});
