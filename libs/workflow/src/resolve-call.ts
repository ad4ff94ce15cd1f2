import { evaluateExpression, evaluateWhen, resolveTag, type Value, formatValue } from '@sluice/expr';
import { withSubPath } from './artifact-location.ts';
import { isLoop } from './fan-out.ts';
import { type Pass, valueText } from './pass.ts';
import { resolveTemplate } from './template-context.ts';
import type { TemplateContext } from './pass.ts';
import { substitute, type Variables } from './variables.ts';
import type { Arguments, Artifact, Parameter, TemplateCall } from './workflow-types.ts';

type Resolved<T> =
  | { readonly ok: true; readonly call: T }
  | { readonly ok: false; readonly message: string; readonly missing?: boolean };

/**
 * Replace the tags of a step or task whose turn has come (all but `item`), and find its artifacts. A call whose `when`
 * is false already keeps its other tags: nothing in it is needed.
 */
export function resolveCall<T extends TemplateCall & { readonly name: string }>(
  pass: Pass,
  call: T,
  variables: Variables,
  context: TemplateContext,
): Resolved<T> {
  const loop = isLoop(call);
  const condition = substitute({ when: call.when ?? '' }, variables, { keepUnresolved: true });
  if (!condition.ok) return condition;
  const { when } = condition.value;
  if (when !== '' && !when.includes('{{')) {
    const proceed = evaluateWhen(when);
    if (proceed.ok && !proceed.value) return skippedCall(call, when, loop, variables);
  }
  // Hooks are resolved when they run: they may refer to what the call itself will produce.
  const { arguments: given, inline, hooks, onExit, ...rest } = call;
  const present = dropAbsent(given, variables);
  const body = substitute(rest as T, variables, { keepUnresolved: true, strictPrefixes: ['steps', 'tasks'] });
  if (!body.ok) return body;
  const parameters = present.parameters
    ? substitute(present.parameters, variables, { keepUnresolved: true, strictPrefixes: ['steps', 'tasks'] })
    : undefined;
  if (parameters && !parameters.ok) return parameters;
  const artifacts = resolveArtifacts(pass, call, variables, context);
  if (typeof artifacts === 'string') return { ok: false, message: artifacts };
  const filled: Arguments | undefined = given && {
    ...(parameters ? { parameters: parameters.value } : {}),
    ...(artifacts.length > 0 ? { artifacts } : {}),
  };
  const nested = { ...(inline ? { inline } : {}), ...(hooks ? { hooks } : {}), ...(onExit ? { onExit } : {}) };
  return { ok: true, call: { ...body.value, ...nested, ...(filled ? { arguments: filled } : {}) } };
}

/** A call that will be skipped: of its tags only those of its loop matter. */
function skippedCall<T extends TemplateCall>(call: T, when: string, loop: boolean, variables: Variables): Resolved<T> {
  const { withItems, withParam, withSequence } = call;
  const fields = {
    ...(withItems ? { withItems } : {}),
    ...(withParam ? { withParam } : {}),
    ...(withSequence ? { withSequence } : {}),
  };
  const filled = loop ? substitute(fields, variables, { keepUnresolved: true }) : undefined;
  if (filled && !filled.ok) return filled;
  return { ok: true, call: { ...call, ...(filled ? filled.value : {}), when } };
}

const loneTag = /^\{\{\s*([^={}][^{}]*?)\s*\}\}$/;

/** Arguments that refer to an absent output are left out, so that the input's own default counts. */
function dropAbsent(
  given: Arguments | undefined,
  variables: Variables,
): { readonly parameters?: readonly Parameter[] } {
  if (!given?.parameters) return {};
  const parameters = given.parameters.filter(({ value }) => {
    const tag = typeof value === 'string' ? loneTag.exec(value)?.[1] : undefined;
    return tag === undefined || variables.lookUp(tag) !== null;
  });
  return { parameters: parameters.length === given.parameters.length ? given.parameters : parameters };
}

function resolveArtifacts(
  pass: Pass,
  call: TemplateCall,
  variables: Variables,
  context: TemplateContext,
): readonly Artifact[] | string {
  const optional = optionalArtifacts(pass, call, context);
  const artifacts: Artifact[] = [];
  for (const artifact of call.arguments?.artifacts ?? []) {
    const found = resolveArtifact(artifact, variables, optional.has(artifact.name) || artifact.optional === true);
    if (typeof found === 'string') return found;
    if (found) artifacts.push(found);
  }
  return artifacts;
}

function optionalArtifacts(pass: Pass, call: TemplateCall, context: TemplateContext): ReadonlySet<string> {
  if (!call.arguments?.artifacts?.length) return new Set();
  const resolved = resolveTemplate(pass, call, context);
  const inputs = resolved.ok ? (resolved.template.inputs?.artifacts ?? []) : [];
  return new Set(inputs.filter(({ optional }) => optional === true).map(({ name }) => name));
}

function artifactByTag(from: string, variables: Variables): Artifact | null | undefined {
  const replaced = substitute({ from: from.replace(/^\{\{|\}\}$/g, '').trim() }, variables, { keepUnresolved: true });
  return variables.artifact(replaced.ok ? replaced.value.from : from);
}

/** The expression chooses among artifacts; its value is the name of one. */
function artifactByExpression(source: string, variables: Variables): Artifact | null | undefined {
  const expression = source.replace(/^\{\{=?|\}\}$/g, '').trim();
  const result = evaluateExpression(expression, variables.artifactEnvironment());
  return result.ok && typeof result.value === 'string' ? variables.artifact(result.value) : undefined;
}

/** The artifact that `from` or `fromExpression` names; undefined when it may be missing; a text when it may not. */
export function resolveArtifact(
  artifact: Artifact,
  variables: Variables,
  optional: boolean,
): Artifact | undefined | string {
  const { from: _from, fromExpression: _expression, ...plain } = artifact;
  const filled = substitute(plain, variables, { keepUnresolved: true, strictPrefixes: ['steps', 'tasks'] });
  const { from, fromExpression } = artifact;
  if (from === undefined && fromExpression === undefined) return filled.ok ? filled.value : filled.message;
  const found =
    from === undefined ? artifactByExpression(fromExpression ?? '', variables) : artifactByTag(from, variables);
  if (found && !filled.ok) return filled.message;
  const { subPath, ...rest } = filled.ok ? filled.value : plain;
  const path = typeof subPath === 'string' ? subPath : '';
  if (found) return { ...(path === '' ? found : withSubPath(found, path)), ...rest, name: artifact.name };
  if (optional) return undefined;
  return `Unable to resolve: ${JSON.stringify(from ?? fromExpression ?? '')}: no such artifact`;
}

/** What `valueFrom.parameter` or `.expression` gives. */
export function resolveValue(
  parameter: Parameter,
  variables: Variables,
): { readonly value?: string; readonly message: string } {
  const { valueFrom } = parameter;
  const source = valueFrom?.expression === undefined ? valueFrom?.parameter : `=${valueFrom.expression}`;
  if (source === undefined) return { message: `output parameter '${parameter.name}' must have a valueFrom specified` };
  const lookUp = (name: string): Value | undefined => variables.lookUp(name);
  const resolved = resolveTag(source, lookUp, () => variables.environment());
  if (resolved.ok && resolved.value !== null) return { value: formatValue(resolved.value), message: '' };
  const fallback = valueFrom?.default;
  if (fallback !== undefined) return { value: valueText(fallback), message: '' };
  return { message: resolved.ok ? `Unable to resolve: "${source}"` : resolved.message };
}
