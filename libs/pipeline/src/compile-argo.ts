import type { Json, JsonObject } from '@sluice/model';
import { ownVariables, type StepContext } from './compile-step.ts';
import { holdsTag } from './literal-text.ts';
import type { ArgoPipeline } from './pipeline.ts';

/** Fields of a template that hold a container, or a list of them. */
const containerFields = ['container', 'script', 'initContainers', 'sidecars'] as const;

/**
 * The spec of a Workflow file for one run: as it is in the file, with the variables of the run added to every container.
 * What the event says travels in these only. A ref that holds a template tag is left out: there is no shell to unpack it.
 */
export function compileArgoSpec(pipeline: ArgoPipeline, context: StepContext): JsonObject {
  const { spec } = pipeline;
  const templates = Array.isArray(spec['templates']) ? (spec['templates'] as readonly Json[]) : [];
  return { ...spec, templates: templates.map((template) => withVariables(template, pipeline, context)) };
}

function withVariables(template: Json, pipeline: ArgoPipeline, context: StepContext): Json {
  if (!isObject(template)) return template;
  const step = typeof template['name'] === 'string' ? template['name'] : '';
  const env = Object.entries(ownVariables(step, pipeline.name, context))
    .filter(([, value]) => !holdsTag(value))
    .map(([name, value]) => ({ name, value }));
  const add = (container: Json): Json => {
    if (!isObject(container)) return container;
    const given = Array.isArray(container['env']) ? (container['env'] as readonly Json[]) : [];
    // Ours come last, so that they win.
    return { ...container, env: [...given, ...env] };
  };
  const changed: Record<string, Json> = { ...template };
  for (const field of containerFields) {
    const value = template[field];
    if (value !== undefined) changed[field] = Array.isArray(value) ? (value as readonly Json[]).map(add) : add(value);
  }
  const set = template['containerSet'];
  if (isObject(set) && Array.isArray(set['containers'])) {
    changed['containerSet'] = { ...set, containers: (set['containers'] as readonly Json[]).map(add) };
  }
  return changed;
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
