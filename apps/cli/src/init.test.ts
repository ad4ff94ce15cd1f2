import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { compileCommand } from './commands/compile.ts';
import { initCommand } from './commands/init.ts';
import type { Io } from './io.ts';

let cwd: string;
let out: string[];
let io: Io;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sluice-init-'));
  out = [];
  io = {
    out: (line) => void out.push(line),
    err: () => undefined,
    env: {},
    terminal: false,
    colour: false,
    cwd,
    signal: new AbortController().signal,
    defer: () => undefined,
    now: () => 0,
  };
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function put(file: string, text = ''): void {
  mkdirSync(dirname(join(cwd, file)), { recursive: true });
  writeFileSync(join(cwd, file), text);
}

type Pipeline = { spec: { steps: { name: string; run?: string; package?: object }[] } };
const written = (): Pipeline => parse(readFileSync(join(cwd, '.sluice/ci.yaml'), 'utf8')) as Pipeline;

const cases: { name: string; files: Record<string, string>; want: string[] }[] = [
  { name: 'nothing', files: {}, want: ['test'] },
  {
    name: 'Node with scripts',
    files: { 'package.json': '{"scripts":{"lint":"x","test":"y","start":"z"}}', 'package-lock.json': '{}' },
    want: ['install', 'lint', 'test'],
  },
  { name: 'Node without scripts', files: { 'package.json': '{}' }, want: ['install', 'test'] },
  { name: 'a package.json that is broken', files: { 'package.json': '{' }, want: ['install', 'test'] },
  { name: 'Go', files: { 'go.mod': '' }, want: ['vet', 'test'] },
  { name: 'Python', files: { 'requirements.txt': '' }, want: ['test'] },
  { name: 'Rust with a chart', files: { 'Cargo.toml': '', 'charts/web/Chart.yaml': '' }, want: ['test', 'chart'] },
];
test.for(cases)('a pipeline for $name', async ({ files, want }) => {
  for (const [file, text] of Object.entries(files)) put(file, text);
  expect(await initCommand('.', { branch: 'main' }, io)).toBe(0);
  expect(written().spec.steps.map(({ name }) => name)).toEqual(want);
});

test('a pipeline that is there stays as it is, unless --force is given', async () => {
  put('.sluice/ci.yaml', 'mine');
  await expect(initCommand('.', { branch: 'main' }, io)).rejects.toThrow('is there already');
  expect(readFileSync(join(cwd, '.sluice/ci.yaml'), 'utf8')).toBe('mine');
  expect(await initCommand('.', { branch: 'main', force: true }, io)).toBe(0);
  expect(written().spec.steps).toHaveLength(1);
});

test('a branch with marks of YAML in its name is quoted', async () => {
  await initCommand('.', { branch: 'a"b: c', print: true }, io);
  expect(parse(out.join('\n'))).toMatchObject({ spec: { on: { push: { branches: ['a"b: c'] } } } });
});

test('a branch that is no pattern is refused', async () => {
  await expect(initCommand('.', { branch: '[c' }, io)).rejects.toThrow('is not a pattern');
});

const options = {
  repository: 'hello',
  ref: 'refs/heads/main',
  sha: 'a'.repeat(40),
  registry: 'r',
  cloneUrl: 'https://x/y.git',
};

test('compile prints the Workflow of each pipeline, and nothing of a fork is trusted', async () => {
  await initCommand('.', { branch: 'main' }, io);
  out.length = 0;
  expect(await compileCommand(['.sluice/ci.yaml'], { ...options, pullRequest: '7', fork: true }, io)).toBe(0);
  const [document] = parseAllDocuments(out.join('\n')) as unknown as { toJS(): unknown }[];
  expect(document?.toJS()).toMatchObject({
    kind: 'Workflow',
    metadata: { labels: { 'sluice.dev/pull-request': '7' }, annotations: { 'sluice.dev/trust': 'untrusted' } },
    spec: { automountServiceAccountToken: false },
  });
});

test.for([
  { name: 'a file with an error', files: { 'a.yaml': 'kind: Pipeline\n' }, code: 3 },
  { name: 'a good file', files: { 'a.yaml': undefined }, code: 0 },
])('compile of $name ends with $code', async ({ files, code }) => {
  await initCommand('.', { branch: 'main' }, io);
  put('a.yaml', files['a.yaml'] ?? readFileSync(join(cwd, '.sluice/ci.yaml'), 'utf8'));
  expect(await compileCommand(['a.yaml'], options, io)).toBe(code);
});

test('compile refuses a commit that is none', async () => {
  await expect(compileCommand(['x'], { ...options, sha: 'abc' }, io)).rejects.toThrow('full commit id');
});
