import type { Task, Template, TemplateCall, Workflow, WorkflowSpec } from '../workflow-types.ts';
import { dependsTerms } from '@sluice/expr';
import type { Add } from './validate-fields.ts';
import { didYouMean } from './suggestion.ts';
import type { FindStored, Reached } from './walk.ts';

const tagPattern = /\{\{([^{}]*)\}\}/g;

/** The simple tags in all texts of a value, each once. */
function tagsOf(value: unknown): ReadonlySet<string> {
  const text = JSON.stringify(value) ?? '';
  const tags = new Set<string>();
  if (!text.includes('{{')) return tags;
  for (const [, tag = ''] of text.matchAll(tagPattern)) if (!tag.startsWith('=')) tags.add(tag.trim());
  return tags;
}

function unresolved(tag: string, place: string, add: Add, fix?: string): void {
  add('ReferenceUnresolved', place, `failed to resolve {{${tag}}}`, fix);
}

/** Tags of a template that name inputs which it does not declare. */
export function validateInputReferences(
  { template, path, outer }: Reached,
  defaults: Template | undefined,
  add: Add,
): void {
  const { parameters, artifacts } = declaredInputs([
    template,
    ...(outer ? [outer] : []),
    ...(defaults ? [defaults] : []),
  ]);
  const inlineFree = withoutInline(template);
  for (const tag of tagsOf(inlineFree)) {
    const [, kind, rest] = /^inputs\.(parameters|artifacts)\.(.+)$/.exec(tag) ?? [];
    if (kind === undefined || rest === undefined) continue;
    const known = kind === 'parameters' ? parameters : artifacts;
    const name = kind === 'parameters' ? rest : (rest.split('.')[0] ?? '');
    if (!known.has(name) && !known.has(rest)) unresolved(tag, path, add, didYouMean(name, known));
  }
}

function declaredInputs(templates: readonly Template[]): {
  readonly parameters: ReadonlySet<string>;
  readonly artifacts: ReadonlySet<string>;
} {
  const names = (pick: 'parameters' | 'artifacts'): ReadonlySet<string> =>
    new Set(templates.flatMap(({ inputs }) => (inputs?.[pick] ?? []).map(({ name }) => name)));
  return { parameters: names('parameters'), artifacts: names('artifacts') };
}

/** Inline templates are looked at by themselves. */
function withoutInline(template: Template): unknown {
  const bare = <T extends TemplateCall>({ inline: _inline, ...call }: T): unknown => call;
  return {
    ...template,
    ...(template.steps ? { steps: template.steps.map((group) => group.map(bare)) } : {}),
    ...(template.dag ? { dag: { ...template.dag, tasks: template.dag.tasks.map(bare) } } : {}),
  };
}

/** What a call may refer to: names of steps or tasks that have ended before it, and all names there are. */
type Before = {
  readonly prefix: 'steps' | 'tasks';
  readonly hasEnded: (name: string) => boolean;
  readonly names: readonly string[];
  /** Some names are made of tags: nothing certain can be said. */
  readonly dynamic: boolean;
  readonly all: ReadonlyMap<string, Template | undefined>;
};

/** Tags of steps and tasks that name others which have not ended by then, or outputs that those do not have. */
export function validateCallReferences(reached: Reached, stored: FindStored | undefined, add: Add): void {
  const { template, path, set } = reached;
  const resolve = (call: TemplateCall): Template | undefined => {
    if (call.inline) return call.inline;
    if (call.templateRef) {
      const { name, template: wanted, clusterScope = false } = call.templateRef;
      return stored?.(name, clusterScope)?.templates?.find((one) => one.name === wanted);
    }
    return call.template === undefined ? undefined : set.templates.get(call.template);
  };
  if (template.steps) {
    const all = new Map(template.steps.flat().map((step) => [step.name, resolve(step)]));
    const place = new Map(template.steps.flatMap((group, index) => group.map(({ name }) => [name, index] as const)));
    const known = namesOf(all);
    for (const [index, group] of template.steps.entries()) {
      const hasEnded = (name: string): boolean => (place.get(name) ?? index) < index;
      const before: Before = { prefix: 'steps', hasEnded, all, ...known };
      for (const step of group) checkCall(step, `${path}.steps[${index}].${step.name}`, before, add);
    }
  }
  if (template.dag) {
    const all = new Map(template.dag.tasks.map((task) => [task.name, resolve(task)]));
    const ancestors = ancestorsOf(template.dag.tasks);
    const known = namesOf(all);
    for (const task of template.dag.tasks) {
      // Worked out only for a task that refers to others.
      let before: ReadonlySet<string> | undefined;
      const hasEnded = (name: string): boolean => (before ??= ancestors(task.name)).has(name);
      checkCall(task, `${path}.tasks.${task.name}`, { prefix: 'tasks', hasEnded, all, ...known }, add);
    }
  }
}

function namesOf(all: ReadonlyMap<string, unknown>): Pick<Before, 'names' | 'dynamic'> {
  const names = [...all.keys()];
  return { names, dynamic: names.some((name) => name.includes('{{')) };
}

function ancestorsOf(tasks: readonly Task[]): (name: string) => ReadonlySet<string> {
  const parents = new Map(
    tasks.map((task) => [
      task.name,
      task.depends ? dependsTerms(task.depends).map((term) => term.task) : (task.dependencies ?? []),
    ]),
  );
  return (name) => {
    const seen = new Set<string>();
    const open = [...(parents.get(name) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...(parents.get(next) ?? []));
    }
    return seen;
  };
}

function checkCall(call: TemplateCall, place: string, before: Before, add: Add): void {
  // Hooks run later: they may refer to the call itself.
  const { hooks: _hooks, onExit: _onExit, inline: _inline, ...own } = call;
  const { names, dynamic } = before;
  for (const tag of tagsOf(own)) {
    const rest = tag.startsWith(`${before.prefix}.`) ? tag.slice(before.prefix.length + 1) : undefined;
    if (rest === undefined || rest === 'name' || dynamic) continue;
    const name = names.filter((one) => rest.startsWith(`${one}.`)).toSorted((a, b) => b.length - a.length)[0];
    const given = parameterWith(call, tag);
    if (name === undefined) unresolved(tag, place, add, didYouMean(rest.split('.')[0] ?? '', names));
    else if (
      !before.hasEnded(name) &&
      before.prefix === 'tasks' &&
      given !== undefined &&
      rest.startsWith(`${name}.outputs.`)
    )
      add(
        'DependencyMissing',
        place,
        `missing dependency '${name}' for parameter '${given}'`,
        `add '${name}' to its dependencies`,
      );
    else if (!before.hasEnded(name)) unresolved(tag, place, add, `'${name}' has not ended when this begins`);
    else if (!hasOutput(before.all.get(name), rest.slice(name.length + 1))) unresolved(tag, place, add);
  }
}

function parameterWith(call: TemplateCall, tag: string): string | undefined {
  return call.arguments?.parameters?.find(({ value }) => typeof value === 'string' && tagsOf(value).has(tag))?.name;
}

/** False when it is certain that a template has no such output. */
function hasOutput(template: Template | undefined, field: string): boolean {
  const [, kind, rest] = /^outputs\.(parameters|artifacts)\.(.+)$/.exec(field) ?? [];
  if (!template || kind === undefined || rest === undefined) return true;
  const declared = (kind === 'parameters' ? template.outputs?.parameters : template.outputs?.artifacts) ?? [];
  const name = rest.split('.')[0] ?? '';
  return declared.some((one) => one.name === name || one.name === rest || one.name.includes('{{'));
}

/** Tags that name outputs, parameters, labels or annotations of the workflow which nothing sets. */
export function validateGlobalReferences(
  workflow: Workflow,
  spec: WorkflowSpec,
  reached: readonly Reached[],
  add: Add,
): void {
  const templates = reached.map(({ template }) => template);
  const outputs = templates.flatMap((template) => [
    ...(template.outputs?.parameters ?? []),
    ...(template.outputs?.artifacts ?? []),
  ]);
  const patterns = outputs.flatMap(({ globalName }) => (globalName ? [namePattern(globalName)] : []));
  const parameters = new Set((spec.arguments?.parameters ?? []).map(({ name }) => name));
  const isSet = {
    parameters: (name: string): boolean => parameters.has(name) || name === 'json',
    outputs: (name: string): boolean => patterns.some((pattern) => pattern.test(name)),
    labels: known(workflow.metadata.labels, spec.workflowMetadata?.labels, spec.workflowMetadata?.labelsFrom),
    annotations: known(workflow.metadata.annotations, spec.workflowMetadata?.annotations),
  };
  for (const { template, path } of reached) {
    for (const tag of tagsOf(withoutInline(template))) {
      const [, output, outputName = ''] = /^workflow\.outputs\.(parameters|artifacts)\.(.+)$/.exec(tag) ?? [];
      const [, kind, name = ''] = /^workflow\.(parameters|labels|annotations)\.(.+)$/.exec(tag) ?? [];
      if (output !== undefined && !isSet.outputs(outputName)) unresolved(tag, path, add);
      if (kind === 'parameters' && !isSet.parameters(name)) unresolved(tag, path, add, didYouMean(name, parameters));
      if (kind === 'labels' && !isSet.labels(name)) unresolved(tag, path, add);
      if (kind === 'annotations' && !isSet.annotations(name)) unresolved(tag, path, add);
    }
  }
}

/** Names of the control plane (`domain/name`) may come at any time. */
function known(...sources: readonly (Readonly<Record<string, unknown>> | undefined)[]): (name: string) => boolean {
  return (name) =>
    name === 'json' ||
    name.includes('/') ||
    sources.some((source) => source !== undefined && Object.hasOwn(source, name));
}

function namePattern(globalName: string): RegExp {
  const literal = globalName.split(/\{\{[^{}]*\}\}/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`);
}
