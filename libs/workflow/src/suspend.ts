import { parseDurationMs } from '@sluice/expr';
import type { Json } from '@sluice/model';
import { type Executed, lookAgainAt, markPhase, parseTime, valueText } from './pass.ts';
import { ensureNode, type RunContext } from './run-context.ts';
import { type Inputs, isFulfilled, type NodeStatus, type Outputs, type Parameter } from './workflow-types.ts';

/** Run a suspend template: wait for somebody, or for a time. */
export function runSuspend(run: RunContext): Executed {
  const { pass, request, prepared } = run;
  const { template } = prepared;
  const node = ensureNode(
    { ...run, prepared: { ...prepared, inputs: withEnums(prepared.inputs) } },
    'Suspend',
    'Running',
  );
  if (isFulfilled(node)) return { node };
  const waiting = node.outputs ? node : withExpectedOutputs(run, node);
  const { duration } = template.suspend ?? {};
  if (duration === undefined || duration === null || duration === '') return { node: waiting };
  const durationMs = parseDurationMs(valueText(duration));
  if (durationMs === undefined)
    return {
      node,
      fault: {
        kind: 'error',
        message: `suspend.duration: '${valueText(duration)}' is not a duration such as 30, 30s or 5m`,
      },
    };
  const endsAt = (parseTime(waiting.startedAt) ?? pass.now) + durationMs;
  if (pass.now < endsAt) {
    lookAgainAt(pass, endsAt);
    return { node: waiting };
  }
  const filled = fillDefaults(waiting.outputs);
  if (filled.missing)
    return {
      node:
        markPhase(
          pass,
          request.nodeName,
          'Failed',
          `raw output parameter '${filled.missing}' has not been set and does not have a default value`,
        ) ?? waiting,
    };
  if (filled.outputs) pass.nodes.update(waiting.id, { outputs: filled.outputs });
  return { node: markPhase(pass, request.nodeName, 'Succeeded') ?? waiting };
}

/** An input whose value is JSON with a list `enum` offers these choices to whoever resumes the node. */
function withEnums(inputs: Inputs | undefined): Inputs | undefined {
  if (!inputs?.parameters) return inputs;
  return { ...inputs, parameters: inputs.parameters.map((parameter) => ({ ...parameter, ...choicesOf(parameter) })) };
}

function choicesOf({ value }: Parameter): { readonly enum?: readonly Json[] } {
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return {};
  try {
    const parsed: { readonly enum?: unknown } = JSON.parse(value);
    return Array.isArray(parsed.enum) ? { enum: parsed.enum } : {};
  } catch {
    return {};
  }
}

/** Outputs that somebody is expected to supply are shown on the node from the start. */
function withExpectedOutputs(run: RunContext, node: NodeStatus): NodeStatus {
  const parameters = (run.prepared.template.outputs?.parameters ?? []).filter(({ valueFrom }) => valueFrom?.supplied);
  if (parameters.length === 0) return node;
  return run.pass.nodes.update(node.id, { outputs: { parameters } }) ?? node;
}

/** Supplied outputs that nobody has set take their default. */
export function fillDefaults(outputs: Outputs | undefined): { readonly outputs?: Outputs; readonly missing?: string } {
  if (!outputs?.parameters) return {};
  const parameters: Parameter[] = [];
  for (const parameter of outputs.parameters) {
    const fallback = parameter.valueFrom?.default;
    if (parameter.value !== undefined || !parameter.valueFrom?.supplied) parameters.push(parameter);
    else if (fallback === undefined) return { missing: parameter.name };
    else parameters.push({ ...parameter, value: fallback });
  }
  return { outputs: { ...outputs, parameters } };
}
