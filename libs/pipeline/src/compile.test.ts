import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { compile, type CompileContext } from './compile.ts';
import { makeContext, makePipeline } from './testing.ts';

const testdata = new URL('../testdata/', import.meta.url);
const hostileRef = 'refs/heads/{{=sprig.env("HOME")}};$(id)';

const cases: { name: string; context?: Partial<CompileContext> }[] = [
  { name: 'release' },
  { name: 'minimal' },
  { name: 'hostile-text', context: { ref: hostileRef, triggerKey: `push:${hostileRef}` } },
  {
    name: 'pull-request',
    context: {
      event: 'pull_request',
      pullRequest: 7,
      ref: 'refs/pull/7/head',
      trust: 'untrusted',
      triggerKey: 'pull_request:7',
    },
  },
];
test.for(cases)('compiles testdata/$name to its want.yaml', ({ name, context = {} }) => {
  const pipeline = makePipeline(readFileSync(new URL(`${name}/input.yaml`, testdata), 'utf8'));
  const got = stringify(compile(pipeline, makeContext({ deploys: pipeline.deploy, ...context })), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  const file = new URL(`${name}/want.yaml`, testdata);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, got);
  expect(got).toBe(readFileSync(file, 'utf8'));
});

const pipeline = makePipeline(readFileSync(new URL('hostile-text/input.yaml', testdata), 'utf8'));

test('text of the event and of scripts holds no template tag anywhere in the spec', () => {
  const { spec } = compile(pipeline, makeContext({ ref: hostileRef }));
  expect(JSON.stringify(spec)).not.toContain('{{');
});

type ScriptTemplate = { name: string; script?: { source: string; env: { name: string; value: string }[] } };

test.for(['tag-in-script', 'plain'])('the shell of step %s sees script and ref byte for byte', (name) => {
  const templates = compile(pipeline, makeContext({ ref: hostileRef })).spec[
    'templates'
  ] as unknown as ScriptTemplate[];
  const script = templates.find((template) => template.name === name)!.script!;
  const env = Object.fromEntries(script.env.map((each) => [each.name, each.value]));
  const out = execFileSync('sh', ['-e', '-c', script.source], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
  });
  expect(out).toBe(name === 'plain' ? `${hostileRef}\n` : `it's {{workflow.name}} \\n ${hostileRef}\n`);
});

test('a run that may not be trusted asks for no deployment', () => {
  const release = makePipeline(readFileSync(new URL('release/input.yaml', testdata), 'utf8'));
  const annotations = compile(release, makeContext({ trust: 'untrusted', deploys: release.deploy })).metadata
    .annotations;
  expect(annotations).not.toHaveProperty(['sluice.dev/deploy']);
});

test('steps get the Secrets that the run may read, and go without the others', () => {
  const asking = makePipeline(`apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: {} }
  steps:
    - { name: publish, run: npm publish, secrets: { NPM_TOKEN: npm/token, KEY: prod/key } }
    - { name: other, run: npm test }
`);
  const { spec } = compile(asking, makeContext({ secrets: ['npm'] }));
  const valueFrom = { secretKeyRef: { name: 'npm', key: 'token' } };
  const templates = spec['templates'] as unknown as ScriptTemplate[];
  const env = (name: string) => templates.find((template) => template.name === name)!.script!.env;
  expect(env('publish')[0]).toEqual({ name: 'NPM_TOKEN', valueFrom });
  expect(JSON.stringify(env('publish'))).not.toContain('KEY');
  expect(JSON.stringify(env('other'))).not.toContain('valueFrom');
});
