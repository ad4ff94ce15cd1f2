import type { Problem } from '@sluice/model';
import type { Template, Workflow, WorkflowSpec } from '../workflow-types.ts';

/** Fields of a template that this engine cannot honour yet, with what they are for. */
const templateFields: Readonly<Record<string, string>> = {
  plugin: 'plugin templates',
};
const specFields: Readonly<Record<string, string>> = {
  executorPlugins: 'executor plugins',
};

/** What the cluster can do beside running pods. */
export type Capabilities = { readonly artifacts?: boolean };

/** What a workflow asks for that is not supported: refused by name, never ignored. */
export function unsupportedProblems(
  _workflow: Workflow,
  spec: WorkflowSpec,
  capabilities: Capabilities,
): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (path: string, what: string): void => {
    problems.push({
      code: 'Unsupported',
      severity: 'error',
      path,
      message: `${path.split('.').at(-1)}: ${what} are not supported yet`,
      fix: `remove ${path.split('.').at(-1)}`,
    });
  };
  for (const [field, what] of Object.entries(specFields)) if (spec[field] !== undefined) add(`spec.${field}`, what);
  for (const template of [...(spec.templates ?? []), ...(spec.templateDefaults ? [spec.templateDefaults] : [])])
    templateProblems(template, `templates.${template.name ?? ''}`, add);
  if (!capabilities.artifacts) logProblems(spec, add);
  if (!capabilities.artifacts) for (const template of spec.templates ?? []) artifactProblems(template, add);
  return problems;
}

function logProblems(spec: WorkflowSpec, add: (path: string, what: string) => void): void {
  if (spec['archiveLogs'] === true) add('spec.archiveLogs', 'archived logs');
  for (const template of spec.templates ?? []) {
    if (template['archiveLocation'] !== undefined)
      add(`templates.${template.name ?? ''}.archiveLocation`, 'archive locations');
  }
}

function artifactProblems(template: Template, add: (path: string, what: string) => void): void {
  if (template.inputs?.artifacts?.length) add(`templates.${template.name ?? ''}.inputs.artifacts`, 'artifacts');
  if (template.outputs?.artifacts?.length) add(`templates.${template.name ?? ''}.outputs.artifacts`, 'artifacts');
}

function templateProblems(template: Template, path: string, add: (path: string, what: string) => void): void {
  for (const [field, what] of Object.entries(templateFields))
    if (template[field] !== undefined) add(`${path}.${field}`, what);
  for (const call of [...(template.steps ?? []).flat(), ...(template.dag?.tasks ?? [])]) {
    if (call.inline) templateProblems(call.inline, `${path}.${call.name}.inline`, add);
  }
}
