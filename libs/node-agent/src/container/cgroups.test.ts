import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { joining, limitsOf } from './cgroups.ts';
import { limitedRuntime } from './limited-runtime.ts';
import type { ContainerInput, ContainerRuntime } from './runtime.ts';

test.for([
  { resources: { limits: { memory: '64Mi', cpu: '250m' } }, want: { memory: 67_108_864, cpu: 0.25 } },
  { resources: { limits: { cpu: 2 } }, want: { cpu: 2 } },
  { resources: { requests: { memory: '1Gi' } }, want: undefined },
  { resources: undefined, want: undefined },
])('the limits of $resources are $want', ({ resources, want }) => {
  expect(limitsOf(resources)).toEqual(want);
});

test('a command writes itself into its groups and then is the one that was wanted, arguments as they are', () => {
  const directory = temporaryDirectory();
  const files = ['a', 'b c'].map((name) => join(directory, name));
  const [file = '', ...args] = joining(files, ['printf', '%s|', 'x y', '$z']);
  expect(execFileSync(file, args, { encoding: 'utf8' })).toBe('x y|$z|');
  expect(files.map((path) => readFileSync(path, 'utf8'))).toEqual(['0\n', '0\n']);
});

test('groups that cannot be joined end the command before it begins', () => {
  const [file = '', ...args] = joining(['/nowhere/cgroup.procs'], ['echo', 'ran']);
  expect(() => execFileSync(file, args, { stdio: 'pipe' })).toThrow(/Command failed/);
});

const input = (id: string, memory?: string): ContainerInput => ({
  id,
  hostname: 'h',
  rootfs: '/r',
  volumes: [],
  command: ['a'],
  env: {},
  workingDir: '/',
  outputPaths: [],
  ...(memory ? { resources: { limits: { memory } } } : {}),
});
const plain: ContainerRuntime = {
  kind: 'process',
  namespacesOf: () => [],
  plan: ({ command }) => ({ file: command[0] ?? '', args: [], env: {}, cwd: '/', reportsStatus: false, view: [] }),
};

test('only what has limits is put into groups, exec included, and is told when it ran out of memory', async () => {
  const made: string[] = [];
  const runtime = limitedRuntime(plain, {
    create: (id) => {
      made.push(id);
      return [`/groups/${id}`];
    },
    remove: () => Promise.resolve(true),
    clear: () => Promise.resolve(),
  });
  expect(runtime.plan(input('free')).file).toBe('a');
  expect(runtime.plan(input('bound', '1Mi')).args).toContain('/groups/bound');
  expect(runtime.plan(input('bound', '1Mi'), {}).args).toContain('/groups/bound');
  // One that has ended already gets no groups that nobody would remove.
  expect(runtime.plan(input('ended', '1Mi'), {}).file).toBe('a');
  expect(made).toEqual(['bound']);
  for (const id of ['free', 'bound']) await runtime.release?.(input(id));
  expect([runtime.ranOutOfMemory?.(input('free')), runtime.ranOutOfMemory?.(input('bound'))]).toEqual([false, true]);
});
