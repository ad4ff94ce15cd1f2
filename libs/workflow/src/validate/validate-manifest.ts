import type { KubeObject, Problem } from '@sluice/model';
import { mergeSpec } from '../spec-merge.ts';
import type { Workflow, WorkflowSpec } from '../workflow-types.ts';
import { cronProblems } from './cron-problems.ts';
import { shapeProblems, unknownFieldProblems } from './unknown-fields.ts';
import { validate, type ValidateOptions } from './validate.ts';

/** How to validate a whole manifest. */
export type ManifestOptions = ValidateOptions & {
  /** The controller's defaults, merged under the workflow. */
  readonly defaults?: WorkflowSpec;
};

const maxNameLength = 63;
const maxCronNameLength = 52;

/** Everything that is wrong with a Workflow, WorkflowTemplate, ClusterWorkflowTemplate or CronWorkflow, all at once. */
export function validateManifest(manifest: KubeObject, options: ManifestOptions = {}): readonly Problem[] {
  const { unknownFields = 'warning', defaults, ...rest } = options;
  const problems: Problem[] = [...objectProblems(manifest)];
  if (unknownFields !== 'ignore') problems.push(...unknownFieldProblems(manifest, manifest.kind, unknownFields));
  const isCron = manifest.kind === 'CronWorkflow';
  const shapes = isCron ? shapeProblems(fieldsOf(manifest.spec), 'CronSpec', 'spec') : [];
  if (shapes.length > 0) return shapes;
  const own = (isCron ? fieldsOf(manifest.spec)['workflowSpec'] : manifest.spec) ?? {};
  const workflow = { ...manifest, metadata: fieldsOf(manifest.metadata), spec: own } as Workflow;
  const merged = mergeSpec(workflow, lookupOf(options), defaults, {}, undefined);
  if (!merged.ok) {
    // Without a way to find stored templates, a workflow that refers to one cannot be judged further.
    if (options.stored)
      problems.push({
        code: 'TemplateNotFound',
        severity: 'error',
        path: 'spec.workflowTemplateRef',
        message: merged.message,
      });
    return problems;
  }
  const isTemplate = manifest.kind === 'WorkflowTemplate' || manifest.kind === 'ClusterWorkflowTemplate';
  for (const problem of validate(workflow, merged.spec, { ...rest, unknownFields: 'ignore' })) {
    if (isTemplate && problem.code === 'EntrypointMissing') continue;
    problems.push(
      isCron && problem.path ? { ...problem, path: problem.path.replace(/^spec\./, 'spec.workflowSpec.') } : problem,
    );
  }
  return problems;
}

function lookupOf({ stored }: ManifestOptions) {
  return {
    workflowTemplate: (name: string, clusterScope: boolean) => stored?.(name, clusterScope),
    configMap: () => undefined,
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

/** What is wrong with the object around the spec: its name, and what says when it runs. */
function objectProblems({ kind, spec, ...object }: KubeObject): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (code: string, path: string, message: string): void => {
    problems.push({ code, severity: 'error', path, message });
  };
  const words = {
    WorkflowTemplate: 'workflow template',
    ClusterWorkflowTemplate: 'cluster workflow template',
    CronWorkflow: 'cron workflow',
  }[kind];
  const limit = kind === 'CronWorkflow' ? maxCronNameLength : maxNameLength;
  const name = nameOf(object);
  if (words && name.length > limit)
    add(
      'NameTooLong',
      'metadata.name',
      `${words} name "${name}" must not be more than ${limit} characters long (currently ${name.length})`,
    );
  return kind === 'CronWorkflow' ? [...problems, ...cronProblems(fieldsOf(spec))] : problems;
}

/** A manifest may be without metadata, whatever its type says. */
function nameOf(object: { readonly metadata?: unknown }): string {
  const { name } = fieldsOf(object.metadata);
  return typeof name === 'string' ? name : '';
}
