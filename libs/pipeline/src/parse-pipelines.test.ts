import { formatProblem } from '@sluice/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFiles, parsePipelines } from './parse-pipelines.ts';
import { makePipeline } from './testing.ts';

const head = 'apiVersion: sluice.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: ci }\n';
const good = `${head}spec:\n  on: { push: { branches: [main] } }\n  steps:\n    - { name: test, run: 'true' }\n`;

function problemsOf(text: string): string[] {
  return parsePipelines([{ path: '.sluice/p.yaml', text }]).problems.map(
    (problem) => `${problem.code} ${formatProblem(problem)}`,
  );
}
function withSteps(steps: string, rest = ''): string {
  return `${head}spec:\n  on: { push: }\n  steps:\n${steps}${rest}`;
}

const cases: { name: string; text: string; want: string[] }[] = [
  {
    name: 'a field that is misspelt, with what is meant',
    text: withSteps('    - name: a\n      runn: x\n      run: y\n'),
    want: ['UnknownField .sluice/p.yaml:8:7: spec.steps.0.runn: there is no field "runn"; did you mean "run"?'],
  },
  {
    name: 'every problem at once, in the order of the file',
    text: withSteps('    - name: A\n      run: 3\n    - run: x\n      needs: a\n'),
    want: [
      'BadName .sluice/p.yaml:7:13: spec.steps.0.name: "A" is not the name of a step; use lower-case letters, digits and "-", beginning and ending with a letter or digit',
      'WrongType .sluice/p.yaml:8:12: spec.steps.0.run: the number 3 stands where text is expected; write "3"',
      'MissingField .sluice/p.yaml:9:7: spec.steps.1: the field "name" is missing; add name:',
      'WrongType .sluice/p.yaml:10:14: spec.steps.1.needs: the text "a" stands where a list is expected; write [a]',
    ],
  },
  {
    name: 'a key that stands twice',
    text: withSteps('    - name: a\n      run: x\n      run: y\n'),
    want: ['DuplicateKey .sluice/p.yaml:9:7: spec.steps.0.run: the key "run" stands twice in this map; remove one'],
  },
  {
    name: 'two steps of one name',
    text: withSteps('    - { name: a, run: x }\n    - { name: a, run: x }\n'),
    want: [
      'DuplicateStep .sluice/p.yaml:8:15: spec.steps.1.name: step 1 is already named "a"; give each step its own name',
    ],
  },
  {
    name: 'a need that no step answers',
    text: withSteps('    - { name: build, run: x }\n    - { name: b, run: x, needs: [biuld] }\n'),
    want: ['UnknownStep .sluice/p.yaml:8:34: spec.steps.1.needs.0: no step is named "biuld"; did you mean "build"?'],
  },
  {
    name: 'steps that wait for each other',
    text: withSteps(
      '    - { name: a, run: x, needs: [c] }\n    - { name: b, run: x, needs: [a] }\n    - { name: c, run: x, needs: [b] }\n',
    ),
    want: [
      'NeedsCycle .sluice/p.yaml:8:34: spec.steps.1.needs.0: steps wait for each other: a needs c needs b needs a; remove one of these needs',
    ],
  },
  {
    name: 'a step that needs itself',
    text: withSteps('    - { name: a, run: x, needs: [a] }\n'),
    want: ['NeedsItself .sluice/p.yaml:7:34: spec.steps.0.needs.0: step "a" needs itself; remove the entry'],
  },
  {
    name: 'a deployment of a step that packages something else',
    text: withSteps(
      '    - { name: img, package: { image: { name: x, include: [a] } } }\n    - { name: chart, package: { chart: { path: c } } }\n',
      '  deploy:\n    - { environment: staging, chart: img, images: [chrt] }\n',
    ),
    want: [
      'WrongStep .sluice/p.yaml:10:38: spec.deploy.0.chart: step "img" does not package a chart; the steps that do are chart',
      'UnknownStep .sluice/p.yaml:10:52: spec.deploy.0.images.0: no step is named "chrt"; the steps are img',
    ],
  },
  {
    name: 'one release deployed twice to one environment',
    text: withSteps(
      '    - { name: c, package: { chart: { path: c } } }\n',
      '  deploy:\n    - { environment: s, chart: c }\n    - { environment: s, chart: c }\n',
    ),
    want: [
      'DuplicateDeploy .sluice/p.yaml:10:7: spec.deploy.1: the same release is already deployed to "s" above; give it another release: name',
    ],
  },
  {
    name: 'a pattern that cannot be read',
    text: good.replace('[main]', '["[a"]'),
    want: ['BadGlob .sluice/p.yaml:5:28: spec.on.push.branches.0: "[a" is not a pattern: "[" is not closed by "]"'],
  },
  {
    name: 'a duration without a unit and one that is none',
    text: withSteps('    - { name: a, run: x, timeout: 300 }\n    - { name: b, run: x, timeout: soon }\n'),
    want: [
      'BadDuration .sluice/p.yaml:7:35: spec.steps.0.timeout: the number 300 is not a duration; did you mean "300s" or "300m"?',
      'BadDuration .sluice/p.yaml:8:35: spec.steps.1.timeout: the text "soon" is not a duration; write it like 90s, 5m or 1h30m',
    ],
  },
  {
    name: 'a step with a script and a package, and one with neither',
    text: withSteps('    - { name: a, run: x, package: { chart: { path: c } } }\n    - { name: b }\n'),
    want: [
      'FieldConflict .sluice/p.yaml:7:7: spec.steps.0: run and package cannot stand together; keep run or package',
      'MissingField .sluice/p.yaml:8:7: spec.steps.1: one of the fields run or package is missing; add run or package',
    ],
  },
  {
    name: 'a field of a later version, by its name',
    text: withSteps('    - { name: a, run: x, matrix: { os: [a] } }\n'),
    want: [
      'NotSupported .sluice/p.yaml:7:26: spec.steps.0.matrix: "matrix" is not supported by this version of Sluice; remove the field',
    ],
  },
  {
    name: 'a path that leads out of the repository',
    text: withSteps('    - { name: a, package: { chart: { path: ../x } } }\n'),
    want: [
      'BadPath .sluice/p.yaml:7:44: spec.steps.0.package.chart.path: "../x" leads out of the repository; write a path inside the repository, such as chart or src/server.mjs',
    ],
  },
  {
    name: 'a variable that Sluice sets itself',
    text: withSteps('    - { name: a, run: x, env: { SLUICE_SHA: x } }\n'),
    want: [
      'BadEnvName .sluice/p.yaml:7:33: spec.steps.0.env.SLUICE_SHA: "SLUICE_SHA" is set by Sluice itself; use letters, digits and "_"; CI and names that begin with SLUICE_ are taken',
    ],
  },
  {
    name: 'an empty file',
    text: '',
    want: ['EmptyFile .sluice/p.yaml:1:1: the file is empty; write a pipeline into it or delete it'],
  },
  {
    name: 'a file of comments',
    text: '# nothing\n---\n',
    want: ['EmptyFile .sluice/p.yaml:1:1: the file is empty; write a pipeline into it or delete it'],
  },
  {
    name: 'a list where a map belongs',
    text: '- a\n',
    want: [
      'NotAMap .sluice/p.yaml:1:1: the document is not a map of fields; begin with apiVersion: sluice.dev/v1alpha1 and kind: Pipeline',
    ],
  },
  {
    name: 'an Argo CronWorkflow, by its kind',
    text: 'apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\n',
    want: [
      'KindNotSupported .sluice/p.yaml:2:7: kind: CronWorkflow files in .sluice/ are not supported by this version of Sluice; write kind: Pipeline or Workflow, or apply it with kubectl',
    ],
  },
  {
    name: 'a misspelt kind',
    text: good.replace('kind: Pipeline', 'kind: Pipline'),
    want: ['UnknownKind .sluice/p.yaml:2:7: kind: the kind is not Pipeline; did you mean "Pipeline"?'],
  },
  {
    name: 'another version of the format',
    text: good.replace('v1alpha1', 'v2'),
    want: [
      'BadApiVersion .sluice/p.yaml:1:13: apiVersion: a Pipeline of this version of Sluice has apiVersion sluice.dev/v1alpha1; write apiVersion: sluice.dev/v1alpha1',
    ],
  },
  {
    name: 'a tab for indentation',
    text: `${head}spec:\n\ton: {}\n`,
    want: ['YamlSyntax .sluice/p.yaml:5:1: not YAML: Tabs are not allowed as indentation; indent with spaces'],
  },
  {
    name: 'a merge key',
    text: `${head}x: &x { name: a }\nspec: { on: { push: }, steps: [{ <<: *x, run: y }] }\n`,
    want: [
      'UnknownField .sluice/p.yaml:4:1: x: there is no field "x"; the fields here are apiVersion, kind, metadata, spec',
      'MissingField .sluice/p.yaml:5:32: spec.steps.0: the field "name" is missing; add name:',
      'UnknownField .sluice/p.yaml:5:34: spec.steps.0.<<: there is no field "<<"; merge keys are YAML 1.1; repeat the fields or use an alias for a whole value',
    ],
  },
  {
    name: 'a trigger that names no event',
    text: good.replace('{ push: { branches: [main] } }', '{}'),
    want: ['NoTrigger .sluice/p.yaml:5:7: spec.on: no event starts this pipeline; add push: or pullRequest:'],
  },
  {
    name: 'yes and no in values as a warning',
    text: withSteps(
      '    - { name: c, package: { chart: { path: c } } }\n',
      '  deploy:\n    - { environment: s, chart: c, values: { on: yes } }\n',
    ),
    want: [
      'YamlBoolean .sluice/p.yaml:9:49: spec.deploy.0.values.on: yes is text in YAML 1.2, not a boolean; write true or false, or "yes" when text is meant',
    ],
  },
  {
    name: 'a file that is too large',
    text: '#'.repeat(300_000),
    want: [
      'FileTooLarge .sluice/p.yaml:1:1: the file has 300000 characters; at most 262144 are read; split it into several files in .sluice/',
    ],
  },
  {
    name: 'nesting without end',
    text: `a: ${'['.repeat(50_000)}`,
    want: ['TooDeep .sluice/p.yaml:1:1: values are nested more than 32 deep'],
  },
];
test.for(cases)('reports $name', ({ text, want }) => {
  const got = problemsOf(text).map((line) => line.replace(/^(TooDeep .*?:1:)\d+/, '$11'));
  expect(got).toEqual(want);
});

test('reads a good file, with the defaults filled in', () => {
  const { pipelines, problems } = parsePipelines([{ path: '.sluice/ci.yml', text: good }]);
  expect(problems).toEqual([]);
  expect(pipelines).toEqual([
    {
      kind: 'pipeline',
      name: 'ci',
      file: '.sluice/ci.yml',
      line: 1,
      on: { push: { branches: ['main'] } },
      env: {},
      timeoutSeconds: 3_600,
      deploy: [],
      steps: [{ kind: 'run', name: 'test', run: 'true', needs: [], env: {}, secrets: {}, retry: 0 }],
    },
  ]);
});

test('one bad file does not keep the others from running', () => {
  const files = [
    { path: '.sluice/bad.yaml', text: 'a: [' },
    { path: '.sluice/good.yaml', text: good },
    { path: 'README.md', text: 'x' },
  ];
  const { pipelines, problems } = parsePipelines(files);
  expect(pipelines.map(({ name }) => name)).toEqual(['ci']);
  expect(new Set(problems.map(({ file }) => file))).toEqual(new Set(['.sluice/bad.yaml']));
});

test('several documents of a file are several pipelines', () => {
  const text = `${good}---\n${good.replace('name: ci', 'name: docs')}`;
  expect(
    parsePipelines([{ path: '.sluice/p.yaml', text }]).pipelines.map(({ name, line }) => `${name}:${line}`),
  ).toEqual(['ci:1', 'docs:9']);
});

test('a second pipeline of the same name is told where the first is', () => {
  const files = ['a', 'b'].map((name) => ({ path: `.sluice/${name}.yaml`, text: good }));
  const { pipelines, problems } = parsePipelines(files);
  expect(pipelines.map(({ file }) => file)).toEqual(['.sluice/a.yaml']);
  expect(problems.map(formatProblem)).toEqual([
    '.sluice/b.yaml:3:19: metadata.name: a pipeline named "ci" stands at .sluice/a.yaml:1 already; give each pipeline its own name',
  ]);
});

test('numbers and booleans of env keep the text that was written', () => {
  const text = withSteps('    - { name: a, run: x, env: { A: 1.10, B: yes, C: True, D: 0x1F, E: "" } }\n');
  expect(makePipeline(text).steps[0]?.env).toEqual({
    A: '1.10',
    B: 'yes',
    C: 'True',
    D: '0x1F',
    E: '',
  });
});

test('an alias bomb is refused in bounded time', () => {
  const lines = Array.from({ length: 20 }, (_, i) => `v${i + 1}: &v${i + 1} [${Array(9).fill(`*v${i}`).join(', ')}]`);
  const values = withSteps(
    '    - { name: c, package: { chart: { path: c } } }\n',
    `  deploy:\n    - environment: s\n      chart: c\n      values:\n        v0: &v0 x\n${lines.map((line) => `        ${line}\n`).join('')}`,
  );
  const started = performance.now();
  expect(problemsOf(values).join('\n')).toMatch(/TooManyAliases|TooManyValues/);
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('a value that holds itself is refused', () => {
  const text = withSteps(
    '    - { name: c, package: { chart: { path: c } } }\n',
    '  deploy:\n    - { environment: s, chart: c, values: { a: &a [*a] } }\n',
  );
  expect(problemsOf(text).join('\n')).toContain('TooDeep');
});

test('a key named __proto__ is a key like any other', () => {
  const text = withSteps(
    '    - { name: c, package: { chart: { path: c } } }\n',
    '  deploy:\n    - { environment: s, chart: c, values: { __proto__: { polluted: true } } }\n',
  );
  const values = parsePipelines([{ path: '.sluice/p.yaml', text }]).pipelines[0]?.deploy[0]?.values;
  expect(JSON.stringify(values)).toBe('{"__proto__":{"polluted":true}}');
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('of twenty thousand unknown keys the first few are named', () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n');
  expect(problemsOf(text).length).toBeLessThanOrEqual(50);
});

test('a secret is a variable that names Secret and key', () => {
  const read = (secret: string) =>
    parsePipelines([
      { path: '.sluice/p.yaml', text: withSteps(`    - { name: a, run: x, secrets: { TOKEN: ${secret} } }\n`) },
    ]);
  expect(read('npm/token').pipelines).toMatchObject([
    { steps: [{ secrets: { TOKEN: { name: 'npm', key: 'token' } } }] },
  ]);
  expect(read('npm').problems.map(formatProblem)).toEqual([expect.stringContaining('"npm" is not SECRET/KEY')]);
});

test('no text makes it throw, and every problem has a place', () => {
  const piece = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&a',
    '*a',
    '"',
    "'",
    '|',
    '>',
    '#',
    '---\n',
    '!!x',
    '\t',
    '%YAML 1.1\n',
    '? ',
    '<<',
    '\0',
    'é',
    '😀',
    head,
    'spec:\n',
    '  steps:\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const { problems } = parseFiles([{ path: 'x.yaml', text: pieces.join('') }]);
      for (const { line, column, code } of problems)
        expect({ code, ok: (line ?? 0) > 0 && (column ?? 0) > 0 }).toEqual({ code, ok: true });
    }),
    { numRuns: 1_000 },
  );
});
