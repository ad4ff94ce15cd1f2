import type { Problem } from '@sluice/model';
import type { Template, Workflow, WorkflowSpec } from '../workflow-types.ts';
import { validateDag, validateSteps } from './calls.ts';
import { validateCallReferences, validateGlobalReferences, validateInputReferences } from './references.ts';
import { validateSpecParts } from './spec-parts.ts';
import { didYouMean } from './suggestion.ts';
import { validateParts } from './template-parts.ts';
import { legacyProblems } from './legacy.ts';
import { type Add, validateArguments, validateFields } from './validate-fields.ts';
import { shapeProblems, unknownFieldProblems } from './unknown-fields.ts';
import { type Capabilities, unsupportedProblems } from './unsupported.ts';
import { type FindStored, type Reached, reachable, templateSet } from './walk.ts';

/** How to validate. All may be left out: then a workflow is judged as one that is about to run, with what it holds itself. */
export type ValidateOptions = Capabilities & {
  /** Arguments may lack a value: it can come when the workflow is submitted. */
  readonly lint?: boolean;
  /** A stored template as it is submitted: every argument needs a value. */
  readonly submit?: boolean;
  /** Finds stored templates, so that references to them are followed and lost ones are told. */
  readonly stored?: FindStored;
  /** How fields that a spec does not have are told; a warning where nothing is said. */
  readonly unknownFields?: Problem['severity'] | 'ignore';
  /** Do not tell what this engine lacks. */
  readonly unsupported?: 'allow';
};

/** Everything that is wrong with a workflow before it runs. `spec` is the merged one. */
export function validate(workflow: Workflow, spec: WorkflowSpec, options: ValidateOptions = {}): readonly Problem[] {
  const shapes = shapeProblems(spec, 'WorkflowSpec', 'spec');
  if (shapes.length > 0) return shapes;
  const problems: Problem[] = [];
  const add = (code: string, path: string, message: string, fix?: string): void => {
    problems.push({ code, path, message, severity: 'error', ...(fix ? { fix } : {}) });
  };
  const own = templateSet('', spec);
  validateSpec(spec, own.templates, add);
  validateSpecParts(spec, add);
  validateArguments(options.lint ? 'lint' : options.submit ? 'Workflow' : workflow.kind, spec, add);
  const seen = new Set<string>();
  for (const [index, template] of (spec.templates ?? []).entries()) {
    const path = `spec.templates[${index}]`;
    if (template.name !== undefined && seen.has(template.name))
      add('TemplateDuplicate', `${path}.name`, `template name '${template.name}' is not unique`);
    seen.add(template.name ?? '');
  }
  const { reached, lost, closed } = reachable(spec, own, options.stored);
  for (const { place, reference } of lost)
    add(
      'TemplateNotFound',
      `${place}.templateRef`,
      `template reference ${reference.name}.${reference.template} not found`,
    );
  if (workflow.kind === 'Workflow' || options.submit) validateEntryInputs(spec, own.templates, add);
  for (const one of reached) validateTemplate(one, { defaults: spec.templateDefaults, stored: options.stored, add });
  if (closed && workflow.kind === 'Workflow') validateGlobalReferences(workflow, spec, reached, add);
  const { unknownFields = 'warning' } = options;
  if (unknownFields !== 'ignore') problems.push(...unknownFieldProblems(spec, 'WorkflowSpec', unknownFields, 'spec'));
  problems.push(...legacyProblems(spec));
  if (options.unsupported !== 'allow') problems.push(...unsupportedProblems(workflow, spec, options));
  return problems;
}

/** The fields of the spec itself. */
function validateSpec(spec: WorkflowSpec, templates: ReadonlyMap<string, Template>, add: Add): void {
  if (!spec.entrypoint) add('EntrypointMissing', 'spec.entrypoint', 'entrypoint is required');
  for (const field of ['entrypoint', 'onExit'] as const) {
    const name = spec[field];
    if (name && !templates.has(name))
      add('TemplateNotFound', `spec.${field}`, `template name '${name}' undefined`, didYouMean(name, templates.keys()));
  }
  for (const [name, hook] of Object.entries(spec.hooks ?? {})) {
    if (name !== 'exit' && !hook.expression)
      add('ExpressionMissing', `spec.hooks.${name}`, `hooks.${name} Expression required`);
  }
  if (spec.shutdown !== undefined && spec.shutdown !== '' && spec.shutdown !== 'Stop' && spec.shutdown !== 'Terminate')
    add('ShutdownUnknown', 'spec.shutdown', `'${spec.shutdown}' is not Stop or Terminate`);
}

/** The entrypoint is called with the arguments of the workflow: each of its inputs needs a value from there or its own. */
function validateEntryInputs(spec: WorkflowSpec, templates: ReadonlyMap<string, Template>, add: Add): void {
  const entry = spec.entrypoint === undefined ? undefined : templates.get(spec.entrypoint);
  const given = new Set((spec.arguments?.parameters ?? []).map(({ name }) => name));
  for (const { name, value, default: fallback, valueFrom } of entry?.inputs?.parameters ?? []) {
    if (value === undefined && fallback === undefined && valueFrom === undefined && !given.has(name))
      add(
        'InputMissing',
        `templates.${spec.entrypoint}`,
        `inputs.parameters.${name} was not supplied`,
        'name it in spec.arguments, or give it a value',
      );
  }
}

type TemplateContextOf = {
  readonly defaults: Template | undefined;
  readonly stored: FindStored | undefined;
  readonly add: Add;
};

const kinds = [
  'container',
  'script',
  'containerSet',
  'resource',
  'data',
  'suspend',
  'http',
  'plugin',
  'steps',
  'dag',
] as const;

const retryPolicies = ['Always', 'OnError', 'OnFailure', 'OnTransientError'];

function validateTemplate(reached: Reached, { defaults, stored, add }: TemplateContextOf): void {
  const { template, path, set, calledFrom } = reached;
  const present = kinds.filter((kind) => template[kind] !== undefined && template[kind] !== null);
  if (present.length === 0)
    add('TemplateKindMissing', path, `template type unspecified: choose one of: ${kinds.join(', ')}`);
  if (present.length > 1)
    add('TemplateKindTwice', path, `multiple template types specified: ${present.join(', ')}. choose one`);
  validateLimits(template, path, add);
  const policy = template.retryStrategy?.retryPolicy;
  if (policy !== undefined && !retryPolicies.includes(policy))
    add(
      'RetryPolicyUnknown',
      `${path}.retryStrategy.retryPolicy`,
      `${policy} is not a valid RetryPolicy`,
      didYouMean(policy, retryPolicies),
    );
  if (template.container && !template.container.image && !defaults?.container?.['image'])
    add('ImageMissing', `${path}.container.image`, 'may not be empty');
  validateFields(template, path, calledFrom, add);
  validateParts(template, path, add);
  if (template.steps) validateSteps(template, path, set.templates, add);
  if (template.dag) validateDag(template, path, set.templates, add);
  validateInputReferences(reached, defaults, add);
  validateCallReferences(reached, stored, add);
}

/** Time limits stand on templates that run something themselves. */
function validateLimits(template: Template, path: string, add: Add): void {
  const kind = template.steps ? 'steps' : template.dag ? 'dag' : undefined;
  const { timeout } = template;
  if (timeout !== undefined && kind)
    add('TimeoutUnsupported', `${path}.timeout`, `${kind} template doesn't support timeout field.`);
  else if (
    timeout !== undefined &&
    !timeout.includes('{{') &&
    !/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(timeout)
  ) {
    add(
      'TimeoutInvalid',
      `${path}.timeout`,
      `${timeout} has invalid duration format in timeout.`,
      'write a number with a unit, such as 30s',
    );
  }
  if (template.activeDeadlineSeconds !== undefined && kind)
    add(
      'DeadlineUnsupported',
      `${path}.activeDeadlineSeconds`,
      'activeDeadlineSeconds is only valid for leaf templates',
    );
}
