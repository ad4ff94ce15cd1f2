import type { Task, Template, TemplateCall, TemplateRef, WorkflowSpec } from '../workflow-types.ts';

/** Finds the spec of a stored WorkflowTemplate or, with cluster scope, ClusterWorkflowTemplate. */
export type FindStored = (name: string, clusterScope: boolean) => WorkflowSpec | undefined;

/** Templates that see each other by name: those of one object. */
export type TemplateSet = { readonly owner: string; readonly templates: ReadonlyMap<string, Template> };

/** A template that the workflow can reach, where it stands, and the call that led there first. */
export type Reached = {
  readonly template: Template;
  readonly path: string;
  readonly set: TemplateSet;
  readonly calledFrom?: string;
  /** Names of inputs that an inline template sees of the one around it. */
  readonly outer?: Template;
};

/** A reference to a stored template that leads nowhere. */
export type LostReference = { readonly place: string; readonly reference: TemplateRef };

/** The steps or tasks of a template, each with its path. */
export function callsOf(template: Template, path: string): readonly (readonly [TemplateCall, string])[] {
  const steps = (template.steps ?? []).flatMap((group, index) =>
    group.map((step): [TemplateCall, string] => [step, `${path}.steps[${index}].${step.name}`]),
  );
  const tasks = (template.dag?.tasks ?? []).map((task: Task): [TemplateCall, string] => [
    task,
    `${path}.tasks.${task.name}`,
  ]);
  return [...steps, ...tasks];
}

/** The templates of a spec by name. */
export function templateSet(owner: string, spec: WorkflowSpec): TemplateSet {
  return { owner, templates: new Map((spec.templates ?? []).map((template) => [template.name ?? '', template])) };
}

const maxReached = 10_000;

/** The templates that the workflow can reach: those that are never used may be anything. */
export function reachable(
  spec: WorkflowSpec,
  own: TemplateSet,
  stored: FindStored | undefined,
): { readonly reached: readonly Reached[]; readonly lost: readonly LostReference[]; readonly closed: boolean } {
  const walk = new Walk(stored);
  for (const name of [spec.entrypoint, spec.onExit]) walk.visit(name, own);
  for (const hook of Object.values(spec.hooks ?? {})) {
    walk.visit(hook.template, own);
    if (hook.templateRef) walk.visitReference(hook.templateRef, 'spec.hooks');
  }
  return { reached: [...walk.found.values()], lost: walk.lost, closed: walk.closed };
}

class Walk {
  readonly found = new Map<string, Reached>();
  readonly lost: LostReference[] = [];
  /** False once a reference could not be followed, so that not all is known. */
  closed = true;
  readonly #stored: FindStored | undefined;
  readonly #sets = new Map<string, TemplateSet>();

  constructor(stored: FindStored | undefined) {
    this.#stored = stored;
  }

  visit(name: string | undefined, set: TemplateSet, calledFrom?: string): void {
    if (name === undefined) return;
    const template = set.templates.get(name);
    if (!template) {
      if (name.includes('{{')) this.closed = false;
      return;
    }
    const place = set.owner === '' ? `templates.${name}` : `${set.owner}.templates.${name}`;
    this.#enter({ template, path: place, set, ...(calledFrom === undefined ? {} : { calledFrom }) });
  }

  visitReference(reference: TemplateRef, place: string): void {
    const { name, template, clusterScope = false } = reference;
    if (!this.#stored || `${name}${template}`.includes('{{')) {
      this.closed = false;
      return;
    }
    const owner = `${clusterScope ? 'clusterworkflowtemplates' : 'workflowtemplates'}.${name}`;
    const spec = this.#sets.has(owner) ? undefined : this.#stored(name, clusterScope);
    if (spec) this.#sets.set(owner, templateSet(owner, spec));
    const set = this.#sets.get(owner);
    if (!set?.templates.has(template)) this.lost.push({ place, reference });
    else this.visit(template, set, place);
  }

  #enter(reached: Reached): void {
    if (this.found.has(reached.path) || this.found.size >= maxReached) return;
    this.found.set(reached.path, reached);
    const { template, path, set } = reached;
    for (const [call, place] of callsOf(template, path)) this.#visitCall(call, place, set, template);
  }

  #visitCall(call: TemplateCall, place: string, set: TemplateSet, outer: Template): void {
    this.visit(call.template, set, place);
    this.visit(call.onExit, set, place);
    if (call.templateRef) this.visitReference(call.templateRef, place);
    if (call.inline) this.#enter({ template: call.inline, path: `${place}.inline`, set, calledFrom: place, outer });
    for (const hook of Object.values(call.hooks ?? {})) {
      this.visit(hook.template, set, place);
      if (hook.templateRef) this.visitReference(hook.templateRef, place);
    }
  }
}
