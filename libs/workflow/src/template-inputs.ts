import { globalLayer } from './global-layer.ts';
import { locationKinds, locationOf } from './artifact-location.ts';
import { type Pass, valueText } from './pass.ts';
import { podNameOf } from './node-name.ts';
import { joinLayers, mapLayer, substitute, type Substituted, type VariableLayer, type Variables } from './variables.ts';
import type { Arguments, Artifact, Inputs, Parameter, Template } from './workflow-types.ts';

/** A template made ready for one node: inputs filled in, tags of `workflow.*` and `inputs.*` replaced. */
export type Prepared = {
  readonly template: Template;
  readonly inputs: Inputs | undefined;
  /** Variables of this node and of the workflow. */
  readonly variables: Variables;
  readonly layer: VariableLayer;
};

type InputsResult = { readonly ok: true; readonly inputs: Inputs } | { readonly ok: false; readonly message: string };

/** Fill a template's inputs from arguments, defaults and ConfigMaps. */
export function resolveInputs(
  pass: Pass,
  template: Template,
  given: Arguments | undefined,
  variables: Variables,
): InputsResult {
  const parameters: Parameter[] = [];
  for (const input of template.inputs?.parameters ?? []) {
    const found = resolveParameter(
      pass,
      input,
      given?.parameters?.find((argument) => argument.name === input.name),
      variables,
    );
    if (typeof found === 'string') return { ok: false, message: found };
    parameters.push(found);
  }
  const artifacts: Artifact[] = [];
  for (const input of template.inputs?.artifacts ?? []) {
    const argument = given?.artifacts?.find((item) => item.name === input.name);
    if (argument) artifacts.push(mergeArtifact(input, argument));
    else if (hasLocation(input)) artifacts.push(input);
    else if (input.optional === true) continue;
    else return { ok: false, message: `inputs.artifacts.${input.name} was not supplied` };
  }
  return {
    ok: true,
    inputs: { ...(parameters.length > 0 ? { parameters } : {}), ...(artifacts.length > 0 ? { artifacts } : {}) },
  };
}

function hasLocation(artifact: Artifact): boolean {
  return artifact.from !== undefined || locationOf(artifact) !== undefined;
}

function mergeArtifact(input: Artifact, argument: Artifact): Artifact {
  const location = locationOf(argument);
  if (!location) return input;
  const own = Object.entries(input).filter(([field]) => !locationKinds.has(field) && field !== 'from');
  const archive = input['archive'] ?? argument['archive'];
  return { name: input.name, ...Object.fromEntries(own), ...(archive === undefined ? {} : { archive }), ...location };
}

function resolveParameter(
  pass: Pass,
  input: Parameter,
  argument: Parameter | undefined,
  variables: Variables,
): Parameter | string {
  const { value: own, valueFrom: ownFrom, default: fallback, ...rest } = input;
  const kept = { ...rest, ...(fallback === undefined ? {} : { default: fallback }) };
  if (argument?.value !== undefined) return { ...kept, value: valueText(argument.value) };
  const from = argument?.valueFrom ?? ownFrom;
  if (from?.configMapKeyRef) {
    const found = readConfigMap(pass, from.configMapKeyRef, variables);
    if (found.value !== undefined) return { ...kept, value: found.value };
    const other = from.default ?? fallback;
    return other === undefined ? found.message : { ...kept, value: valueText(other) };
  }
  if (own !== undefined) return { ...kept, value: valueText(own) };
  if (fallback !== undefined) return { ...kept, value: valueText(fallback) };
  if (from?.default !== undefined) return { ...kept, value: valueText(from.default) };
  if (from?.supplied) return { ...kept, valueFrom: from };
  return `inputs.parameters.${input.name} was not supplied`;
}

/** Read one key of a ConfigMap that is labelled for parameters. */
export function readConfigMap(
  pass: Pass,
  reference: { readonly name?: string; readonly key: string },
  variables: Variables,
): { readonly value?: string; readonly message: string } {
  const replaced = substitute({ name: reference.name ?? '', key: reference.key }, variables, { keepUnresolved: false });
  if (!replaced.ok) return { message: replaced.message };
  const { name, key } = replaced.value;
  const found = pass.lookup.configMap(name);
  if (!found)
    return {
      message: `failed to retrieve inputs.parameters from ConfigMap: ConfigMap '${name}' does not exist. Please make sure it has the label workflows.argoproj.io/configmap-type: Parameter to be detectable by the controller`,
    };
  if (!found.labelled)
    return {
      message: `ConfigMap '${name}' needs to have the label workflows.argoproj.io/configmap-type: Parameter to load parameters`,
    };
  const value = found.data[key];
  return value === undefined
    ? { message: `ConfigMap '${name}' does not have the key '${key}'` }
    : { value, message: '' };
}

/** The variables of one node: its inputs, the paths of its outputs, its name and its pod's. */
export function nodeLayer(pass: Pass, nodeName: string, template: Template, inputs: Inputs): VariableLayer {
  const values = new Map<string, string | null>();
  const parameters = inputs.parameters ?? [];
  for (const { name, value } of parameters)
    if (value !== undefined) values.set(`inputs.parameters.${name}`, valueText(value));
  const all = parameters.map(({ name, value }) => ({
    name,
    ...(value === undefined ? {} : { value: valueText(value) }),
  }));
  values.set('inputs.parameters', JSON.stringify(all));
  setPaths(values, template);
  values.set('node.name', nodeName);
  if (isPodTemplate(template) || template.http)
    values.set('pod.name', podNameOf(pass.name, nodeName, template.name ?? ''));
  if (template.steps) values.set('steps.name', nodeName);
  if (template.dag) values.set('tasks.name', nodeName);
  const artifacts = new Map(
    (inputs.artifacts ?? []).map((artifact) => [`inputs.artifacts.${artifact.name}`, artifact]),
  );
  return { ...mapLayer(values), artifact: (name) => artifacts.get(name), artifactNames: () => artifacts.keys() };
}

/** Where inputs and outputs lie as files. */
function setPaths(values: Map<string, string | null>, template: Template): void {
  for (const { name, path } of template.inputs?.artifacts ?? [])
    if (path) values.set(`inputs.artifacts.${name}.path`, path);
  for (const { name, path } of template.outputs?.artifacts ?? [])
    if (path) values.set(`outputs.artifacts.${name}.path`, path);
  for (const { name, valueFrom } of template.outputs?.parameters ?? []) {
    if (valueFrom?.path) values.set(`outputs.parameters.${name}.path`, valueFrom.path);
  }
}

/** True for templates that run a pod of their own. */
export function isPodTemplate(template: Template): boolean {
  const { container, script, containerSet, resource, data } = template;
  return Boolean(container ?? script ?? containerSet ?? resource ?? data);
}

const bodies = new WeakMap<Template, Template>();

/** The template without what is replaced apart; the same object each time, so that its text is remembered. */
function bodyOf(template: Template): Template {
  const known = bodies.get(template);
  if (known) return known;
  const { steps: _steps, dag: _dag, inputs: _inputs, ...body } = template;
  bodies.set(template, body);
  return body;
}

/** Fill inputs and replace tags, except in steps and tasks: those are replaced one by one when their turn comes. */
export function prepareTemplate(
  pass: Pass,
  nodeName: string,
  template: Template,
  given: Arguments | undefined,
): Substituted<Prepared> {
  const globals = globalLayer(pass);
  const outer = joinLayers(globals);
  const filled = resolveInputs(pass, template, given, outer);
  if (!filled.ok) return { ok: false, message: filled.message, missing: false };
  const resolved = substitute(filled.inputs, outer, { keepUnresolved: true });
  if (!resolved.ok) return resolved;
  // An input may refer to another: one more pass with what is known so far.
  const first = nodeLayer(pass, nodeName, template, resolved.value);
  const second = substitute(resolved.value, joinLayers(first, globals), { keepUnresolved: true });
  if (!second.ok) return second;
  const layer = second.value === resolved.value ? first : nodeLayer(pass, nodeName, template, second.value);
  const variables = joinLayers(layer, globals);
  const { steps, dag } = template;
  const rest = bodyOf(template);
  const body = substitute(rest, variables, { keepUnresolved: true });
  if (!body.ok) return body;
  const { value: inputs } = second;
  const target =
    dag?.target === undefined ? undefined : substitute({ target: dag.target }, variables, { keepUnresolved: true });
  if (target && !target.ok) return target;
  const ready: Template = {
    ...body.value,
    ...(inputs.parameters || inputs.artifacts ? { inputs } : {}),
    ...(steps ? { steps } : {}),
    ...(dag ? { dag: { ...dag, ...(target ? target.value : {}) } } : {}),
  };
  return {
    ok: true,
    value: { template: ready, inputs: inputs.parameters || inputs.artifacts ? inputs : undefined, variables, layer },
  };
}
