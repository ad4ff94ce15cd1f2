import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatProblem, type KubeObject, type Problem } from '@sluice/model';
import { isPipelineFile, offsetOf, parseFiles } from '@sluice/pipeline';
import { validateManifest } from '@sluice/workflow';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatObject, parseFormat } from '../output.ts';

export type LintOptions = { readonly output?: string };

const argoKinds = ['Workflow', 'WorkflowTemplate', 'ClusterWorkflowTemplate', 'CronWorkflow'];
const maxCharacters = 4 << 20;

/** `sluice lint FILE…`: every problem with its place; exit code 3 when one of them is an error. */
export async function lintCommand(files: readonly string[], options: LintOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const texts = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(resolve(io.cwd, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
        const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
        throw new CommandError(exitCodes.notFound, `${file}: ${reason}`);
      });
      return { file, text };
    }),
  );
  const problems = texts.flatMap(({ file, text }) => lintText(file, text));
  if (format === 'json' || format === 'yaml') io.out(formatObject(format, problems));
  else for (const problem of problems) io.out(`${formatProblem(problem)} [${problem.code}]`);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (format === 'table') {
    const count = counted(files.length, 'file');
    io.err(
      problems.length === 0
        ? `${count}: no problems`
        : `${count}: ${counted(errors, 'error')}, ${counted(problems.length - errors, 'warning')}`,
    );
  }
  return errors > 0 ? exitCodes.lint : exitCodes.ok;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** All problems of one file: pipelines as the orchestrator reads them, Argo manifests as the controller does. */
export function lintText(file: string, text: string): readonly Problem[] {
  if (text.length > maxCharacters) {
    return [
      { code: 'FileTooLarge', severity: 'error', file, message: `the file is longer than ${maxCharacters} characters` },
    ];
  }
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true });
  const list = Array.isArray(documents) ? documents : [];
  const argo = list.filter((document) => argoKinds.includes(kindOf(document) ?? ''));
  // In .sluice/ a Workflow needs a trigger and a name that fits, elsewhere it is anybody's.
  const inRepository = isPipelineFile(file.slice(Math.max(0, file.lastIndexOf('.sluice/'))));
  if (argo.length === 0 || inRepository) return parseFiles([{ path: file, text }], checkManifest).problems;
  return argo.flatMap((document) => lintArgo(file, document, lines));
}

function checkManifest(manifest: KubeObject): readonly Problem[] {
  return validateManifest(manifest, { lint: true, unknownFields: 'error' });
}

function lintArgo(file: string, document: Document.Parsed, lines: LineCounter): Problem[] {
  const syntax = document.errors.map((error): Problem => {
    const { line, col } = lines.linePos(error.pos[0]);
    return {
      code: 'BadYaml',
      severity: 'error',
      file,
      line,
      column: col,
      message: error.message.split('\n', 1)[0] ?? '',
    };
  });
  if (syntax.length > 0) return syntax;
  const object = document.toJS({ maxAliasCount: 100 }) as KubeObject;
  return checkManifest(object).map((problem) => {
    const { line, col } = lines.linePos(offsetOf(document, problem.path ?? ''));
    return { ...problem, file, line: Math.max(1, line), column: Math.max(1, col) };
  });
}

function kindOf(document: Document.Parsed): string | undefined {
  const kind: unknown = document.get?.('kind');
  return typeof kind === 'string' ? kind : undefined;
}
