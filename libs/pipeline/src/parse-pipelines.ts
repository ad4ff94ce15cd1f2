import { nearest, type JsonObject, type Problem } from '@sluice/model';
import { isMap, isScalar } from 'yaml';
import { checkPipeline } from './check-pipeline.ts';
import { checkShape } from './check-shape.ts';
import { argoKinds, readArgoFile, type CheckManifest } from './argo-file.ts';
import {
  pipelineApiVersion,
  type AnyPipeline,
  type ChartPackage,
  type Deploy,
  type ImagePackage,
  type Pipeline,
  type PullRequestTrigger,
  type PushTrigger,
  type SecretKey,
  type Step,
} from './pipeline.ts';
import { pipelineShape } from './pipeline-shape.ts';
import { limits, readDocuments, type FileProblems, type SourceFile, type YamlDocument } from './source-text.ts';

/** The pipelines that can run and everything that is wrong with the files. A file with an error gives no pipeline. */
export type ParsedPipelines = { readonly pipelines: readonly AnyPipeline[]; readonly problems: readonly Problem[] };

/** Default of `spec.timeout`, in seconds. */
export const defaultTimeoutSeconds = 3_600;

/** Whether a path of the repository is a pipeline file: `.sluice/<name>.yaml` or `.yml`, at any depth below. */
export function isPipelineFile(path: string): boolean {
  return path.startsWith('.sluice/') && /\.ya?ml$/.test(path);
}

/** Read pipeline files. Files that are not `.sluice/**.yaml|yml` are passed over. Each file stands for itself. */
export function parsePipelines(files: readonly SourceFile[], check?: CheckManifest): ParsedPipelines {
  const wanted = files.filter(({ path }) => isPipelineFile(path)).sort((a, b) => (a.path < b.path ? -1 : 1));
  return parseFiles(wanted, check);
}

/** Read files whatever their names are: what `sluice lint FILE…` does. */
export function parseFiles(files: readonly SourceFile[], check?: CheckManifest): ParsedPipelines {
  const pipelines = new Map<string, AnyPipeline>();
  const problems: Problem[] = [];
  for (const file of files.slice(0, limits.files)) {
    const read = parseFile(file, pipelines, check);
    problems.push(...read.problems);
    for (const pipeline of read.pipelines) pipelines.set(pipeline.name, pipeline);
  }
  const left = files[limits.files];
  if (left) {
    problems.push({
      code: 'TooManyFiles',
      severity: 'error',
      file: left.path,
      line: 1,
      column: 1,
      message: `there are ${files.length} pipeline files; only the first ${limits.files} are read`,
      fix: 'put several pipelines into one file, with --- between them',
    });
  }
  return { pipelines: [...pipelines.values()], problems };
}

function parseFile(
  file: SourceFile,
  taken: ReadonlyMap<string, AnyPipeline>,
  check: CheckManifest | undefined,
): ParsedPipelines {
  const { documents, problems } = readDocuments(file);
  const pipelines = new Map<string, AnyPipeline>();
  for (const document of documents) {
    const read = isArgo(document)
      ? readArgoFile(document, file.path, problems, check)
      : readPipeline(document, file.path, problems);
    if (!read) continue;
    const other = pipelines.get(read.pipeline.name) ?? taken.get(read.pipeline.name);
    if (other) {
      const message = `a pipeline named "${other.name}" stands at ${other.file}:${other.line} already`;
      problems.add(read.nameOffset, {
        code: 'DuplicatePipeline',
        path: 'metadata.name',
        message,
        fix: 'give each pipeline its own name',
      });
    } else pipelines.set(read.pipeline.name, read.pipeline);
  }
  return { pipelines: problems.failed ? [] : [...pipelines.values()], problems: inOrder(problems.problems) };
}

function isArgo({ contents }: YamlDocument): boolean {
  const kind: unknown = isMap(contents) ? contents.get('kind') : undefined;
  return typeof kind === 'string' && argoKinds.includes(kind);
}

function readPipeline(
  document: YamlDocument,
  file: string,
  problems: FileProblems,
): { pipeline: Pipeline; nameOffset: number } | undefined {
  if (!checkKind(document, problems)) return undefined;
  const before = problems.problems.length;
  const { value, offsets } = checkShape(document, pipelineShape, problems);
  if (problems.problems.slice(before).some(({ severity }) => severity === 'error')) return undefined;
  const { line } = problems.place(offsets.get('') ?? 0);
  // Checked: checkShape found nothing wrong, so the value has the shape of the table.
  const pipeline = toPipeline(value as PipelineDocument, { file, line });
  checkPipeline(pipeline, offsets, problems);
  return { pipeline, nameOffset: offsets.get('metadata.name') ?? 0 };
}

/** The kind decides which format is read, so it is looked at first. */
function checkKind({ contents, range }: YamlDocument, problems: FileProblems): boolean {
  const start = contents?.range?.[0] ?? range[0];
  if (!isMap(contents)) {
    const fix = `begin with apiVersion: ${pipelineApiVersion} and kind: Pipeline`;
    problems.add(start, { code: 'NotAMap', message: 'the document is not a map of fields', fix });
    return false;
  }
  const at = (name: string): number => {
    const pair = contents.items.find(({ key }) => isScalar(key) && key.value === name);
    return pair?.value?.range[0] ?? start;
  };
  const kind: unknown = contents.get('kind');
  const apiVersion: unknown = contents.get('apiVersion');
  if (kind === undefined || kind === 'Pipeline') {
    if (apiVersion === undefined || apiVersion === pipelineApiVersion) return true;
    problems.add(at('apiVersion'), {
      code: 'BadApiVersion',
      path: 'apiVersion',
      message: `a Pipeline of this version of Sluice has apiVersion ${pipelineApiVersion}`,
      fix: `write apiVersion: ${pipelineApiVersion}`,
    });
    return false;
  }
  if (kind === 'CronWorkflow' || kind === 'ClusterWorkflowTemplate') {
    const message = `${kind} files in .sluice/ are not supported by this version of Sluice`;
    problems.add(at('kind'), {
      code: 'KindNotSupported',
      path: 'kind',
      message,
      fix: 'write kind: Pipeline or Workflow, or apply it with kubectl',
    });
    return false;
  }
  const near = typeof kind === 'string' ? nearest(kind, ['Pipeline']) : undefined;
  const fix = near ? `did you mean "${near}"?` : 'write kind: Pipeline, or move the file out of .sluice/';
  problems.add(at('kind'), { code: 'UnknownKind', path: 'kind', message: 'the kind is not Pipeline', fix });
  return false;
}

/** What the shape table lets through. */
type PipelineDocument = {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly on: { readonly push?: PushTrigger; readonly pullRequest?: PullRequestTrigger };
    readonly env?: Readonly<Record<string, string>>;
    readonly timeout?: number;
    readonly steps: readonly StepDocument[];
    readonly deploy?: readonly DeployDocument[];
  };
};
type StepDocument = {
  readonly name: string;
  readonly needs?: readonly string[];
  readonly image?: string;
  readonly run?: string;
  readonly package?: {
    readonly image?: Omit<ImagePackage, 'workdir'> & { workdir?: string };
    readonly chart?: ChartPackage;
  };
  readonly env?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly retry?: number;
};
type DeployDocument = {
  readonly environment: string;
  readonly on?: { readonly push?: PushTrigger; readonly pullRequest?: PullRequestTrigger };
  readonly release?: string;
  readonly chart: string;
  readonly images?: readonly string[];
  readonly values?: JsonObject;
};

function toPipeline({ metadata, spec }: PipelineDocument, place: { file: string; line: number }): Pipeline {
  const { on, env = {}, timeout = defaultTimeoutSeconds, steps, deploy = [] } = spec;
  return {
    kind: 'pipeline',
    name: metadata.name,
    ...place,
    on,
    env,
    timeoutSeconds: timeout,
    steps: steps.map(toStep),
    deploy: deploy.map(toDeploy),
  };
}

function toStep(document: StepDocument): Step {
  const { name, image, needs = [], env = {}, timeout, retry = 0 } = document;
  const secrets = Object.fromEntries(
    Object.entries(document.secrets ?? {}).map(([key, text]) => [key, toSecret(text)]),
  );
  const optional = {
    ...(image === undefined ? {} : { image }),
    ...(timeout === undefined ? {} : { timeoutSeconds: timeout }),
  };
  const common = { name, needs, env, secrets, retry, ...optional };
  if (document.package?.image)
    return { ...common, kind: 'image', package: { workdir: '/app', ...document.package.image } };
  if (document.package?.chart) return { ...common, kind: 'chart', package: document.package.chart };
  return { ...common, kind: 'run', run: document.run ?? '' };
}

function toSecret(text: string): SecretKey {
  const at = text.indexOf('/');
  return { name: text.slice(0, at), key: text.slice(at + 1) };
}

function toDeploy({ on, images = [], values = {}, ...rest }: DeployDocument): Deploy {
  return {
    ...rest,
    images,
    values,
    ...(on?.push ? { push: on.push } : {}),
    ...(on?.pullRequest ? { pullRequest: on.pullRequest } : {}),
  };
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}
