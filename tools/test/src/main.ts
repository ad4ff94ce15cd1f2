/**
 * `npm test`: runs every test, says what was skipped and why, and closes with the real count.
 * Arguments are passed to vitest: `npm test -- libs/store`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Report, closingLine, failedFiles, skippedLines } from './report.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

function run(): number {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  try {
    const file = join(directory, 'report.json');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const child = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, NO_COLOR: process.stdout.isTTY ? '' : '1' },
    });
    const report = readReport(file);
    if (!report) {
      console.error('the test runner wrote no report');
      return 1;
    }
    for (const line of skippedLines(report)) console.log(line);
    for (const name of failedFiles(report)) console.log(`failed to load: ${name}`);
    console.log(closingLine(report));
    return child.status === 0 && report.numPassedTests > 0 ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

process.exit(run());
