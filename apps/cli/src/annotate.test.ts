import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { annotationsOf } from '@sluice/trigger';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { annotateCommand } from './commands/annotate.ts';
import type { Io } from './io.ts';
import { readJunit } from './reports/junit.ts';
import { toCommand } from './reports/remark.ts';

let cwd: string;
let out: string[];
let io: Io;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sluice-annotate-'));
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

/** What a check would show of a report. */
async function shown(text: string) {
  writeFileSync(join(cwd, 'report'), text);
  await annotateCommand(['report'], io);
  return annotationsOf(out.join('\n'));
}

test('a failed test of a JUnit report that names its place', async () => {
  const xml = `<?xml version="1.0"?><testsuites><testsuite name="s">
    <testcase name="adds" classname="math" file="test/a.test.js" line="7"><failure message="1 &lt; 2, &quot;no&quot;">stack</failure></testcase>
    <testcase name="passes" classname="math"/>
  </testsuite></testsuites>`;
  expect(await shown(xml)).toEqual([
    {
      path: 'test/a.test.js',
      startLine: 7,
      endLine: 7,
      level: 'failure',
      title: 'math › adds',
      message: '1 < 2, "no"',
    },
  ]);
});

test('a failed test whose stack names the place', async () => {
  const xml = `<testsuite><testcase name="adds"><failure><![CDATA[Error: expected 2
    at Object.<anonymous> (${'src/math.test.js:12:9'})]]></failure></testcase></testsuite>`;
  expect(await shown(xml)).toMatchObject([{ path: 'src/math.test.js', startLine: 12, message: 'Error: expected 2' }]);
});

test('results of a SARIF report, errors first', async () => {
  const location = (uri: string, startLine: number) => [
    { physicalLocation: { artifactLocation: { uri }, region: { startLine } } },
  ];
  const results = [
    { level: 'note', message: { text: 'n' }, locations: location('a.js', 1) },
    {
      level: 'error',
      ruleId: 'no-eval',
      message: { text: 'eval\nis evil' },
      locations: location(`file://${cwd}/b.js`, 4),
    },
    { level: 'none', message: { text: 'fine' }, locations: location('c.js', 1) },
  ];
  expect(await shown(JSON.stringify({ version: '2.1.0', runs: [{ results }] }))).toMatchObject([
    { path: 'b.js', startLine: 4, level: 'failure', title: 'no-eval', message: 'eval\nis evil' },
    { path: 'a.js', level: 'notice' },
  ]);
});

test.for([
  { name: 'a file that is not there', text: undefined, message: 'there is no such file' },
  { name: 'something else', text: 'TAP version 13', message: 'neither JUnit XML nor SARIF' },
  { name: 'JSON without runs', text: '{}', message: 'it has no runs' },
])('$name is refused', async ({ text, message }) => {
  if (text !== undefined) writeFileSync(join(cwd, 'other'), text);
  await expect(annotateCommand(['other'], io)).rejects.toThrow(message);
});

test('whatever a remark says comes out of the log as it went in', () => {
  const line = fc.string().filter((text) => !/\p{Cc}/u.test(text) && text !== '');
  fc.assert(
    fc.property(line, line, (message, title) => {
      const [found] = annotationsOf(toCommand({ level: 'error', file: 'a.js', line: 3, title, message }));
      expect(found).toMatchObject({ path: 'a.js', startLine: 3, message, title });
    }),
  );
});

test('any text is read as JUnit without a throw', () => {
  expect(() =>
    fc.assert(fc.property(fc.string(), (text) => readJunit(`<failure>${text}`).length <= text.length + 1)),
  ).not.toThrow();
});
