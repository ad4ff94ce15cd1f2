import type { Problem } from '@sluice/model';
import { isScalar, LineCounter, parseAllDocuments, type Document, type ParsedNode } from 'yaml';

/** One file as it was read. */
export type SourceFile = { readonly path: string; readonly text: string };

/** Limits on what is read at all. */
export const limits = Object.freeze({
  files: 100,
  fileCharacters: 256 * 1_024,
  documents: 32,
  nodes: 20_000,
  depth: 32,
  aliases: 100,
  problemsPerFile: 50,
});

export type YamlDocument = Document.Parsed<ParsedNode>;

/** Collects the problems of one file, each at its place. */
export class FileProblems {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  /** Line and column of an offset, counted from 1. */
  place(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  add(
    offset: number,
    problem: Omit<Problem, 'file' | 'line' | 'column' | 'severity'>,
    severity: Problem['severity'] = 'error',
  ): void {
    if (this.problems.length >= limits.problemsPerFile) return;
    const { path, ...rest } = problem;
    this.problems.push({ ...rest, ...(path ? { path } : {}), severity, file: this.#file, ...this.place(offset) });
  }

  get failed(): boolean {
    return this.problems.some(({ severity }) => severity === 'error');
  }
}

/**
 * The YAML documents of a file. Problems of syntax go to `problems`; then there are no documents. Duplicate keys are
 * left to check-shape.ts: the parser's own check takes quadratic time.
 */
export function readDocuments(file: SourceFile): { documents: readonly YamlDocument[]; problems: FileProblems } {
  const lines = new LineCounter();
  const problems = new FileProblems(file.path, lines);
  const none = { documents: [], problems };
  if (file.text.length > limits.fileCharacters) {
    lines.addNewLine(0);
    problems.add(0, {
      code: 'FileTooLarge',
      message: `the file has ${file.text.length} characters; at most ${limits.fileCharacters} are read`,
      fix: 'split it into several files in .sluice/',
    });
    return none;
  }
  const options = { version: '1.2', merge: false, uniqueKeys: false, strict: true, prettyErrors: false } as const;
  const parsed = parseAllDocuments(file.text, { ...options, logLevel: 'silent', lineCounter: lines });
  const documents = ('empty' in parsed ? [] : parsed).filter(
    ({ contents, errors }) => errors.length > 0 || !isEmptyDocument(contents),
  );
  for (const { errors, warnings } of documents) addSyntaxProblems(problems, errors, warnings);
  if (problems.failed) return none;
  if (documents.length === 0) {
    problems.add(0, { code: 'EmptyFile', message: 'the file is empty', fix: 'write a pipeline into it or delete it' });
  } else if (documents.length > limits.documents) {
    problems.add(0, {
      code: 'TooManyDocuments',
      message: `the file holds ${documents.length} documents; at most ${limits.documents} are read`,
      fix: 'split it into several files in .sluice/',
    });
  }
  return problems.failed ? none : { documents, problems };
}

function isEmptyDocument(contents: ParsedNode | null): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

type YamlProblem = { readonly code: string; readonly message: string; readonly pos: readonly [number, number] };

function addSyntaxProblems(
  problems: FileProblems,
  errors: readonly YamlProblem[],
  warnings: readonly YamlProblem[],
): void {
  const deep = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (deep) {
    problems.add(deep.pos[0], { code: 'TooDeep', message: `values are nested more than ${limits.depth} deep` });
    return;
  }
  for (const { message, pos, code } of errors) {
    const fix = code === 'TAB_AS_INDENT' ? { fix: 'indent with spaces' } : {};
    problems.add(pos[0], { code: 'YamlSyntax', message: `not YAML: ${message}`, ...fix });
  }
  for (const { message, pos, code } of warnings) {
    if (code === 'TAG_RESOLVE_FAILED')
      problems.add(pos[0], { code: 'UnknownTag', message: `not supported: ${message}`, fix: 'remove the tag' });
  }
}
