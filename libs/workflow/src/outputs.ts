import { resolveArtifact, resolveValue } from './resolve-call.ts';
import { type Pass, valueText } from './pass.ts';
import type { Variables } from './variables.ts';
import type { Artifact, Outputs, Parameter, Template } from './workflow-types.ts';

/** The outputs of a steps or dag template, taken from its children; also exported where they have a global name. */
export function templateOutputs(
  pass: Pass,
  template: Template,
  variables: Variables,
): { readonly ok: true; readonly outputs?: Outputs } | { readonly ok: false; readonly message: string } {
  const parameters: Parameter[] = [];
  for (const parameter of template.outputs?.parameters ?? []) {
    const found = resolveValue(parameter, variables);
    if (found.value === undefined) return { ok: false, message: found.message };
    const { valueFrom: _from, ...rest } = parameter;
    parameters.push({ ...rest, value: found.value });
  }
  const artifacts: Artifact[] = [];
  for (const artifact of template.outputs?.artifacts ?? []) {
    const found = resolveArtifact(artifact, variables, artifact.optional === true);
    if (typeof found === 'string') return { ok: false, message: found };
    if (found) artifacts.push(found);
  }
  if (parameters.length === 0 && artifacts.length === 0) return { ok: true };
  const outputs: Outputs = {
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(artifacts.length > 0 ? { artifacts } : {}),
  };
  exportGlobals(pass, outputs);
  return { ok: true, outputs };
}

/** Add outputs with a global name to the workflow's. A later one overwrites an earlier one. */
export function exportGlobals(pass: Pass, outputs: Outputs | undefined): void {
  for (const parameter of outputs?.parameters ?? []) {
    if (!parameter.globalName || parameter.value === undefined) continue;
    const value = valueText(parameter.value);
    pass.globals.set(`workflow.outputs.parameters.${parameter.globalName}`, value);
    const others = (pass.outputs?.parameters ?? []).filter(({ name }) => name !== parameter.globalName);
    pass.outputs = { ...pass.outputs, parameters: [...others, { name: parameter.globalName, value }] };
  }
  for (const artifact of outputs?.artifacts ?? []) {
    if (!artifact.globalName) continue;
    const { globalName, path: _path, from: _from, ...rest } = artifact;
    const others = (pass.outputs?.artifacts ?? []).filter(({ name }) => name !== globalName);
    pass.outputs = { ...pass.outputs, artifacts: [...others, { ...rest, name: globalName }] };
  }
}
