import type { Lookup } from './pass.ts';
import { mergeUnder } from './template-defaults.ts';
import type { Workflow, WorkflowSpec, WorkflowStatus } from './workflow-types.ts';

type Merged =
  | { readonly ok: true; readonly spec: WorkflowSpec; readonly stored?: WorkflowStatus }
  | { readonly ok: false; readonly phase: 'Failed' | 'Error'; readonly message: string };

const cache = new WeakMap<Workflow, WorkflowSpec>();
/** Fields that a Workflow may set when only stored templates are allowed. */
const allowedInStrict = new Set([
  'arguments',
  'entrypoint',
  'shutdown',
  'suspend',
  'activeDeadlineSeconds',
  'priority',
  'ttlStrategy',
  'podGC',
  'volumeClaimGC',
  'archiveLogs',
  'workflowMetadata',
  'workflowTemplateRef',
  'metrics',
  'artifactGC',
]);

/**
 * The spec that is executed: the Workflow over the WorkflowTemplate that it refers to over the controller's defaults.
 * The template is copied into the status when it is first used, so that later edits do not touch the run.
 */
export function mergeSpec(
  workflow: Workflow,
  lookup: Lookup,
  defaults: WorkflowSpec | undefined,
  before: WorkflowStatus,
  restrictions: 'Strict' | 'Secure' | undefined,
): Merged {
  const own = workflow.spec ?? {};
  const reference = own.workflowTemplateRef;
  if (!reference) {
    if (restrictions)
      return {
        ok: false,
        phase: 'Error',
        message: `workflows must use workflowTemplateRef to be executed when the controller is in reference mode`,
      };
    return { ok: true, spec: defaults ? cached(workflow, () => withDefaults(own, defaults)) : own };
  }
  const template =
    before.storedWorkflowTemplateSpec ?? lookup.workflowTemplate(reference.name, reference.clusterScope === true);
  if (!template) {
    const kind = reference.clusterScope ? 'clusterworkflowtemplates' : 'workflowtemplates';
    return { ok: false, phase: 'Error', message: `${kind}.argoproj.io "${reference.name}" not found` };
  }
  if (restrictions === 'Secure' && before.storedWorkflowTemplateSpec) {
    const live = lookup.workflowTemplate(reference.name, reference.clusterScope === true);
    if (live && JSON.stringify(live) !== JSON.stringify(before.storedWorkflowTemplateSpec)) {
      return {
        ok: false,
        phase: 'Error',
        message:
          'WorkflowSpec may not change during execution when the controller is set `templateReferencing: Secure`',
      };
    }
  }
  const refused = restrictions === 'Strict' ? strictProblem(own) : undefined;
  if (refused) return { ok: false, phase: 'Error', message: refused };
  const stored = before.storedWorkflowTemplateSpec ? undefined : { ...before, storedWorkflowTemplateSpec: template };
  return {
    ok: true,
    spec: cached(workflow, () => withDefaults(overTemplate(own, template), defaults)),
    ...(stored ? { stored } : {}),
  };
}

function cached(workflow: Workflow, make: () => WorkflowSpec): WorkflowSpec {
  const known = cache.get(workflow);
  if (known) return known;
  const made = make();
  cache.set(workflow, made);
  return made;
}

function withDefaults(spec: WorkflowSpec, defaults: WorkflowSpec | undefined): WorkflowSpec {
  return defaults ? mergeUnder(spec, defaults) : spec;
}

/** Arguments merge by name, the Workflow's first; every other field is the Workflow's where it has one. */
function overTemplate(own: WorkflowSpec, template: WorkflowSpec): WorkflowSpec {
  const parameters = (template.arguments?.parameters ?? []).map((lower) => {
    const upper = own.arguments?.parameters?.find(({ name }) => name === lower.name);
    if (!upper) return lower;
    const { value: _value, valueFrom: _from, ...rest } = lower;
    return upper.value === undefined && upper.valueFrom === undefined ? { ...lower, ...upper } : { ...rest, ...upper };
  });
  const names = new Set(parameters.map(({ name }) => name));
  parameters.push(...(own.arguments?.parameters ?? []).filter(({ name }) => !names.has(name)));
  const artifacts = mergeUnder(own.arguments?.artifacts ?? [], template.arguments?.artifacts ?? []);
  const given = { ...(parameters.length > 0 ? { parameters } : {}), ...(artifacts.length > 0 ? { artifacts } : {}) };
  const merged = mergeUnder(own, template);
  return { ...merged, arguments: given };
}

function strictProblem(own: WorkflowSpec): string | undefined {
  const field = Object.keys(own).find((name) => !allowedInStrict.has(name));
  if (field === undefined) return undefined;
  return `field ${field.charAt(0).toUpperCase()}${field.slice(1)} is not permitted when using workflowTemplateRef with Strict or Secure mode`;
}
