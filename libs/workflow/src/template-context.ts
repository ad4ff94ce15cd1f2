import type { JsonObject } from '@sluice/model';
import type { Pass, TemplateContext } from './pass.ts';
import type { NodeStatus, Template, TemplateCall, WorkflowSpec } from './workflow-types.ts';

/** A template with the context in which the names that it uses are looked up. */
export type ResolvedTemplate =
  | { readonly ok: true; readonly template: Template; readonly context: TemplateContext }
  | { readonly ok: false; readonly message: string };

/** The templates of one spec under a scope name. */
export function contextOf(scope: string, spec: WorkflowSpec): TemplateContext {
  const byName = new Map((spec.templates ?? []).map((template) => [template.name ?? '', template]));
  const { podMetadata } = spec as { readonly podMetadata?: JsonObject };
  return { scope, podMetadata, find: (name) => byName.get(name) };
}

const contexts = new WeakMap<WorkflowSpec, TemplateContext>();

/** Find the template that a call names: inline, in the caller's context, or in a stored WorkflowTemplate. */
export function resolveTemplate(pass: Pass, call: TemplateCall, context: TemplateContext): ResolvedTemplate {
  if (call.inline) return { ok: true, template: call.inline, context };
  if (call.templateRef) return resolveReference(pass, call.templateRef);
  const name = call.template ?? '';
  const template = context.find(name) ?? pass.storedTemplates.get(`${context.scope}/${name}`);
  return template
    ? { ok: true, template, context }
    : { ok: false, message: `template ${name} not found in ${context.scope}` };
}

/** The first use of a reference is copied into the status: later edits do not touch a running workflow. */
function resolveReference(
  pass: Pass,
  { name, template: templateName, clusterScope }: NonNullable<TemplateCall['templateRef']>,
): ResolvedTemplate {
  const scope = `${clusterScope ? 'cluster' : 'namespaced'}/${name}`;
  const kind = clusterScope ? 'ClusterWorkflowTemplate' : 'WorkflowTemplate';
  const spec = pass.lookup.workflowTemplate(name, clusterScope === true);
  const context = spec
    ? remoteContext(pass, scope, spec)
    : { scope, find: (other: string) => pass.storedTemplates.get(`${scope}/${other}`) };
  const template = context.find(templateName);
  if (template) return { ok: true, template, context };
  if (!spec) return { ok: false, message: `${kind.toLowerCase()}s.argoproj.io "${name}" not found` };
  return { ok: false, message: `template ${templateName} not found in ${kind.toLowerCase()} ${name}` };
}

function remoteContext(pass: Pass, scope: string, spec: WorkflowSpec): TemplateContext {
  const plain = contexts.get(spec) ?? contextOf(scope, spec);
  contexts.set(spec, plain);
  return {
    scope,
    podMetadata: plain.podMetadata,
    find(name) {
      const key = `${scope}/${name}`;
      const stored = pass.storedTemplates.get(key);
      if (stored) return stored;
      const template = plain.find(name);
      if (template) pass.storedTemplates.set(key, template);
      return template;
    },
  };
}

/** True for a pod that is there and whose template sets no time limits: until it ends there is nothing to decide. */
export function needsNothing(pass: Pass, node: NodeStatus, call: TemplateCall, context: TemplateContext): boolean {
  if (node.type !== 'Pod' || !pass.pods.has(node.id) || call.template?.includes('{{')) return false;
  const resolved = resolveTemplate(pass, call, context);
  if (!resolved.ok) return false;
  const { timeout, pendingTimeout } = { ...pass.spec.templateDefaults, ...resolved.template };
  return !timeout && !pendingTimeout;
}
