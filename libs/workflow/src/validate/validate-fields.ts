import type { ContinueOn, Parameter, Task, Template, TemplateCall, WorkflowSpec } from '../workflow-types.ts';
import { isLoop } from '../fan-out.ts';
import { dependsTerms } from '@sluice/expr';

/** Records a problem: code, path, message, and how to mend it. */
export type Add = (code: string, path: string, message: string, fix?: string) => void;

const namePattern = /^[a-zA-Z0-9][-a-zA-Z0-9]*$/;

/** True for the name of a step or task; tags in it count as letters. */
export function isName(name: string | undefined): boolean {
  return namePattern.test((name ?? '').replace(/\{\{[^{}]*\}\}/g, 'x'));
}

/** Arguments of the whole workflow: each needs a value from somewhere, and one of its list where it has one. */
export function validateArguments(kind: string, spec: WorkflowSpec, add: Add): void {
  for (const parameter of spec.arguments?.parameters ?? []) {
    const path = `spec.arguments.${parameter.name}`;
    const hasValue = parameter.value !== undefined && parameter.value !== null;
    if (parameter.enum && parameter.enum.length === 0)
      add('EnumEmpty', path, `${path}.enum should contain at least one value`);
    else if (hasValue && parameter.enum && !parameter.enum.includes(parameter.value ?? null)) {
      add('EnumMismatch', path, `${path}.value should be present in ${path}.enum list`);
    }
    if (kind === 'Workflow' && !hasValue && !parameter.valueFrom && parameter.default === undefined) {
      add(
        'ArgumentMissing',
        path,
        `${path}.value or ${path}.valueFrom is required`,
        'give it a value, or submit with -p',
      );
    }
  }
}

/** Fields of one template that need no other template to be judged. */
export function validateFields(template: Template, path: string, calledFrom: string | undefined, add: Add): void {
  if (template.name !== undefined && !/^[a-z0-9A-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(template.name)) {
    add('NameInvalid', `${path}.name`, `'${template.name}' is invalid: a template's name has letters, digits and -`);
  }
  const deadline = template.activeDeadlineSeconds;
  if (typeof deadline === 'number' && deadline <= 0)
    add('DeadlineInvalid', `${path}.activeDeadlineSeconds`, 'activeDeadlineSeconds must be a positive integer > 0');
  if (template.parallelism !== undefined && !template.steps && !template.dag)
    add('ParallelismInvalid', `${path}.parallelism`, 'parallelism is only valid for steps and dag templates');
  const initContainers = template['initContainers'];
  if (
    Array.isArray(initContainers) &&
    initContainers.some((container: { readonly name?: string }) => !container.name)
  ) {
    add('NameMissing', `${path}.initContainers`, `${calledFrom ?? path} initContainers must all have container name`);
  }
  validateNames(template, path, add);
  for (const parameter of template.outputs?.parameters ?? [])
    validateOutput(template, parameter, `${path}.outputs.parameters.${parameter.name}`, add);
}

function validateNames(template: Template, path: string, add: Add): void {
  for (const list of [
    template.inputs?.parameters,
    template.inputs?.artifacts,
    template.outputs?.parameters,
    template.outputs?.artifacts,
  ]) {
    for (const { name } of list ?? [])
      if (!/^[-a-zA-Z0-9_]+$/.test((name ?? '').replace(/\{\{[^{}]*\}\}/g, 'x')))
        add('NameInvalid', path, `'${name}' is invalid: names have letters, digits, - and _`);
  }
}

function validateOutput(template: Template, { valueFrom }: Parameter, path: string, add: Add): void {
  if (!valueFrom) return;
  const sources = ['path', 'parameter', 'expression', 'supplied', 'jsonPath', 'jqFilter', 'event'].filter((source) =>
    Object.hasOwn(valueFrom, source),
  );
  if (sources.length > 1) add('ValueFromTwice', path, `multiple valueFrom: ${sources.join(', ')}. choose one`);
  const composite = template.steps ? 'Steps' : template.dag ? 'DAG' : undefined;
  if (composite && valueFrom.parameter === undefined && valueFrom.expression === undefined && sources.length > 0) {
    add('ValueFromInvalid', path, `${path}.parameter or expression must be specified for ${composite} templates`);
  }
}

/** What only the tasks of a dag can get wrong. */
export function validateTasks({ dag }: Template, path: string, add: Add): void {
  const tasks = dag?.tasks ?? [];
  const byName = new Map<string, Task & { readonly continueOn?: ContinueOn }>(tasks.map((task) => [task.name, task]));
  const related = tasks.some(({ depends, dependencies }) => depends !== undefined || (dependencies?.length ?? 0) > 0);
  for (const task of tasks) {
    if (related && /^\d/.test(task.name))
      add(
        'NameInvalid',
        `${path}.tasks.${task.name}`,
        "name cannot begin with a digit when using either 'depends' or 'dependencies'",
      );
    for (const { task: other, result } of task.depends ? dependsTerms(task.depends) : []) {
      const target = byName.get(other);
      if ((result === 'AnySucceeded' || result === 'AllFailed') && target && !isLoop(target)) {
        add(
          'DependsInvalid',
          `${path}.tasks.${task.name}`,
          `depends on ${other}.${result}, but task '${other}' does not contain any items`,
        );
      }
    }
  }
  for (const target of dag?.target && !dag.target.includes('{{') ? dag.target.split(' ').filter(Boolean) : []) {
    if (!byName.has(target)) add('TargetNotFound', `${path}.targets`, `target '${target}' is not defined`);
  }
}

/** The arguments of a call against the inputs of what it calls. */
export function validateCallArguments(
  call: TemplateCall,
  template: Template | undefined,
  place: string,
  add: Add,
): void {
  const given = call.arguments?.parameters ?? [];
  validateGivenParameters(given, place, add);
  for (const input of template?.inputs?.parameters ?? []) {
    const known = input.value !== undefined || input.default !== undefined || input.valueFrom !== undefined;
    if (!known && !given.some(({ name }) => name === input.name))
      add('InputMissing', place, `inputs.parameters.${input.name} was not supplied`);
  }
  validateGivenArtifacts(call, place, add);
  if (call.withSequence?.count !== undefined && call.withSequence.end !== undefined)
    add('SequenceInvalid', `${place}.withSequence`, "must have only one of 'count' or 'end'");
}

function validateGivenParameters(given: readonly Parameter[], place: string, add: Add): void {
  for (const parameter of given) {
    const from = parameter.valueFrom;
    if (parameter.value === undefined && !from)
      add(
        'ArgumentMissing',
        `${place}.arguments.parameters.${parameter.name}`,
        `${place}.arguments.parameters.${parameter.name}.value or ${place}.arguments.parameters.${parameter.name}.valueFrom is required`,
      );
    if (
      from &&
      Object.keys(from).some((source) => !['default', 'configMapKeyRef', 'supplied', 'expression'].includes(source))
    ) {
      add(
        'ValueFromInvalid',
        `${place}.arguments.parameters.${parameter.name}`,
        'valueFrom only allows: default, configMapKeyRef and supplied',
      );
    }
  }
}

/** An argument that is an artifact needs a source. */
function validateGivenArtifacts(call: TemplateCall, place: string, add: Add): void {
  for (const artifact of call.arguments?.artifacts ?? []) {
    const { name: _name, optional, ...source } = artifact;
    if (Object.keys(source).length === 0 && optional !== true)
      add(
        'ArtifactMissing',
        `${place}.arguments.artifacts.${artifact.name}`,
        'from, artifact location, or key is required',
      );
  }
}
