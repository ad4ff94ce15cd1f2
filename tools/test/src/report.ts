/** The parts of vitest's JSON report that the closing lines are made of. */
export type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
};

/** Files that failed as a whole: no test of theirs ran. */
export function failedFiles(report: Report): string[] {
  return report.testResults
    .filter((file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'))
    .map((file) => file.name);
}

/** One line a skipped test; its name says what it needs. */
export function skippedLines(report: Report): string[] {
  return report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === 'skipped' || test.status === 'pending')
      .map((test) => `skipped: ${test.fullName}`),
  );
}

/** `N passed, N failed, N skipped`; a file that could not be loaded counts as one failure. */
export function closingLine(report: Report): string {
  const failed = report.numFailedTests + failedFiles(report).length;
  return `${report.numPassedTests} passed, ${failed} failed, ${skippedLines(report).length} skipped`;
}
