import { expect, test } from 'vitest';
import { closingLine, skippedLines } from './report.ts';

test('a file that could not be loaded counts as a failure', () => {
  const report = {
    numPassedTests: 2,
    numFailedTests: 0,
    numPendingTests: 1,
    testResults: [
      {
        name: 'a.test.ts',
        status: 'passed',
        assertionResults: [
          { status: 'passed', fullName: 'one' },
          { status: 'passed', fullName: 'two' },
          { status: 'skipped', fullName: 'needs redis-server' },
        ],
      },
      { name: 'b.test.ts', status: 'failed', assertionResults: [] },
    ],
  };
  expect(closingLine(report)).toBe('2 passed, 1 failed, 1 skipped');
  expect(skippedLines(report)).toEqual(['skipped: needs redis-server']);
});
