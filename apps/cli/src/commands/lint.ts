import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatProblem, type KubeObject, type Problem } from '@sluice/model';
import { parseFiles } from '@sluice/pipeline';
import { validate, type Workflow } from '@sluice/workflow';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatObject, parseFormat } from '../output.ts';
import { locate } from '../yaml-place.ts';

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
  if (argo.length === 0) return parseFiles([{ path: file, text }]).problems;
  return argo.flatMap((document) => lintArgo(file, document, lines));
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
  const isCron = object.kind === 'CronWorkflow';
  const spec = (isCron ? (object.spec as { workflowSpec?: unknown } | undefined)?.workflowSpec : object.spec) ?? {};
  const workflow = { ...object, spec } as Workflow;
  const isTemplate = object.kind === 'WorkflowTemplate' || object.kind === 'ClusterWorkflowTemplate';
  // Whether the nodes of the cluster move artifacts is not known here: the controller says so where they do not.
  return validate(workflow, workflow.spec ?? {}, { artifacts: true })
    .filter((problem) => !(isTemplate && problem.code === 'EntrypointMissing'))
    .map((problem) => {
      const path = isCron ? problem.path?.replace(/^spec\./, 'spec.workflowSpec.') : problem.path;
      return { ...problem, file, ...(path ? { path } : {}), ...locate(document, lines, path ?? '') };
    });
}

function kindOf(document: Document.Parsed): string | undefined {
  const kind: unknown = document.get?.('kind');
  return typeof kind === 'string' ? kind : undefined;
}
