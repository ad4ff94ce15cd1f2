import fc from 'fast-check';
import { expect, test } from 'vitest';
import { annotationsOf } from './log-annotations.ts';

const cases: { line: string; want: object | undefined }[] = [
  {
    line: '::error file=src/a.js,line=3,col=5,title=no-undef::x is not defined%0Ahere',
    want: {
      path: 'src/a.js',
      startLine: 3,
      endLine: 3,
      startColumn: 5,
      endColumn: 5,
      level: 'failure',
      title: 'no-undef',
      message: 'x is not defined\nhere',
    },
  },
  {
    line: '::warning file=a.js,line=3,endLine=9::too long',
    want: { path: 'a.js', startLine: 3, endLine: 9, level: 'warning', message: 'too long' },
  },
  {
    line: '::notice file=a.js::look',
    want: { path: 'a.js', startLine: 1, endLine: 1, level: 'notice', message: 'look' },
  },
  { line: '::error ::without a file', want: undefined },
  {
    line: 'src/main.c:12:7: error: expected ;',
    want: {
      path: 'src/main.c',
      startLine: 12,
      endLine: 12,
      startColumn: 7,
      endColumn: 7,
      level: 'failure',
      message: 'error: expected ;',
    },
  },
  {
    line: '\u001B[31m./main.go:4:2:\u001B[0m undefined: x',
    want: {
      path: 'main.go',
      startLine: 4,
      endLine: 4,
      startColumn: 2,
      endColumn: 2,
      level: 'failure',
      message: 'undefined: x',
    },
  },
  {
    line: 'lib/a.py:9: warning: unused import',
    want: { path: 'lib/a.py', startLine: 9, endLine: 9, level: 'warning', message: 'warning: unused import' },
  },
  {
    line: 'src/a.ts(3,14): error TS2304: Cannot find name',
    want: {
      path: 'src/a.ts',
      startLine: 3,
      endLine: 3,
      startColumn: 14,
      endColumn: 14,
      level: 'failure',
      message: 'error TS2304: Cannot find name',
    },
  },
  {
    line: '/workspace/src/test/a.test.js:8:1: failed',
    want: {
      path: 'test/a.test.js',
      startLine: 8,
      endLine: 8,
      startColumn: 1,
      endColumn: 1,
      level: 'failure',
      message: 'failed',
    },
  },
  { line: '/etc/passwd.txt:1: not in the repository', want: undefined },
  { line: '../elsewhere.js:1: not in the repository', want: undefined },
  { line: '12:30:45: a time', want: undefined },
  { line: '127.0.0.1:8080: refused', want: undefined },
  { line: 'registry.example.com:443: refused', want: undefined },
  { line: 'https://example.com/a.js:3: a page', want: undefined },
  { line: 'Listening on server.js:0: nowhere', want: undefined },
];
test.for(cases)('$line', ({ line, want }) => {
  expect(annotationsOf(`before\n${line}\r\nafter`)).toEqual(want ? [want] : []);
});

test('a remark that is printed twice is one, and errors come before warnings', () => {
  const log = 'a.js:1: warning: w\na.js:2: error: e\na.js:2: error: e\n';
  expect(annotationsOf(log).map(({ message }) => message)).toEqual(['error: e', 'warning: w']);
});

test('a check holds fifty', () => {
  expect(annotationsOf(Array.from({ length: 99 }, (_, i) => `a.js:${i + 1}: e`).join('\n'))).toHaveLength(50);
});

test('any text is read without a throw, and gives places that a forge takes', () => {
  const line = fc.oneof(
    fc.string(),
    fc.string().map((text) => `::error file=${text}::x`),
    fc.string().map((text) => `a.js:${text}`),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      for (const { path, startLine, endLine, message } of annotationsOf(lines.join('\n'))) {
        expect([path.startsWith('/'), startLine >= 1, endLine >= startLine, message !== '']).toEqual([
          false,
          true,
          true,
          true,
        ]);
      }
    }),
  );
});
