import { globalLayer } from './global-layer.ts';
import { joinLayers } from './variables.ts';
import { readConfigMap } from './template-inputs.ts';
import { formatTime, parseTime, type Pass, valueText } from './pass.ts';
import { replaceTags } from '@sluice/expr';
import type { Json, ObjectMeta } from '@sluice/model';
import { hasFailed, hasPod, type NodeStatus } from './workflow-types.ts';

/** Fill the variables `workflow.*`. Gives what is wrong with an argument, if something is. */
export function fillGlobals(pass: Pass): string | undefined {
  const { globals, workflow, spec } = pass;
  const { metadata } = workflow;
  const startedAt = parseTime(pass.before.startedAt) ?? pass.now;
  globals.set('workflow.name', metadata.name);
  globals.set('workflow.namespace', metadata.namespace ?? '');
  globals.set('workflow.mainEntrypoint', spec.entrypoint ?? '');
  globals.set('workflow.serviceAccountName', spec.serviceAccountName ?? '');
  globals.set('workflow.uid', metadata.uid ?? '');
  setTime(globals, parseTime(metadata.creationTimestamp) ?? startedAt);
  globals.set('workflow.duration', ((pass.now - startedAt) / 1_000).toFixed(6));
  globals.set('workflow.priority', valueText((spec['priority'] ?? 0) as Json));
  setMetadata(globals, metadata);
  const problem = fillParameters(pass);
  for (const parameter of pass.outputs?.parameters ?? []) {
    if (parameter.value !== undefined)
      globals.set(`workflow.outputs.parameters.${parameter.name}`, valueText(parameter.value));
  }
  return problem;
}

function setMetadata(globals: Map<string, string | null>, metadata: ObjectMeta): void {
  for (const field of ['annotations', 'labels'] as const) {
    const values = metadata[field] ?? {};
    for (const [key, value] of Object.entries(values)) globals.set(`workflow.${field}.${key}`, value);
    globals.set(`workflow.${field}`, JSON.stringify(values));
    globals.set(`workflow.${field}.json`, JSON.stringify(values));
  }
  const scheduled = metadata.annotations?.['workflows.argoproj.io/scheduled-time'];
  if (scheduled) globals.set('workflow.scheduledTime', scheduled);
}

const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

function setTime(globals: Map<string, string | null>, milliseconds: number): void {
  const time = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  globals.set('workflow.creationTimestamp', formatTime(milliseconds));
  globals.set('workflow.creationTimestamp.RFC3339', formatTime(milliseconds));
  globals.set('workflow.creationTimestamp.s', String(Math.floor(milliseconds / 1_000)));
  const parts: readonly (readonly [string, string])[] = [
    ['Y', String(time.getUTCFullYear())],
    ['A', dayNames[time.getUTCDay()] ?? ''],
    ['a', (dayNames[time.getUTCDay()] ?? '').slice(0, 3)],
    ['B', monthNames[time.getUTCMonth()] ?? ''],
    ['b', (monthNames[time.getUTCMonth()] ?? '').slice(0, 3)],
    ['y', two(time.getUTCFullYear() % 100)],
    ['m', two(time.getUTCMonth() + 1)],
    ['d', two(time.getUTCDate())],
    ['H', two(time.getUTCHours())],
    ['I', two(time.getUTCHours() % 12 || 12)],
    ['M', two(time.getUTCMinutes())],
    ['S', two(time.getUTCSeconds())],
    ['p', time.getUTCHours() < 12 ? 'AM' : 'PM'],
    ['j', String(Math.floor((milliseconds - Date.UTC(time.getUTCFullYear(), 0, 1)) / 86_400_000) + 1).padStart(3, '0')],
    ['w', String(time.getUTCDay())],
    ['F', time.toISOString().slice(0, 10)],
    ['T', time.toISOString().slice(11, 19)],
  ];
  for (const [letter, value] of parts) globals.set(`workflow.creationTimestamp.${letter}`, value);
}

function fillParameters(pass: Pass): string | undefined {
  const { globals, spec } = pass;
  const parameters = spec.arguments?.parameters ?? [];
  const shown: { name: string; value: string }[] = [];
  for (const parameter of parameters) {
    let value = parameter.value === undefined || parameter.value === null ? undefined : valueText(parameter.value);
    if (value === undefined && parameter.valueFrom?.configMapKeyRef) {
      const found = readConfigMap(pass, parameter.valueFrom.configMapKeyRef, joinLayers(globalLayer(pass)));
      if (found.value === undefined && parameter.valueFrom.default === undefined && parameter.default === undefined)
        return found.message;
      value = found.value;
    }
    const fallback = parameter.valueFrom?.default ?? parameter.default;
    if (value === undefined && fallback !== undefined) value = valueText(fallback);
    if (value === undefined) continue;
    value = replaceInText(value, pass);
    globals.set(`workflow.parameters.${parameter.name}`, value);
    shown.push({ name: parameter.name, value });
  }
  globals.set('workflow.parameters', JSON.stringify(shown));
  globals.set('workflow.parameters.json', JSON.stringify(shown));
  return undefined;
}

function replaceInText(text: string, pass: Pass): string {
  if (!text.includes('{{')) return text;
  const replaced = replaceTags(JSON.stringify(text), joinLayers(globalLayer(pass)), { keepUnresolved: true });
  return replaced.ok ? String(JSON.parse(replaced.text)) : text;
}

/** Add `workflow.status` and `workflow.failures`, which hooks and exit handlers read. */
export function fillOutcome(pass: Pass, root: NodeStatus): void {
  pass.globals.set('workflow.status', root.phase ?? '');
  const failures = [...pass.nodes.all()].filter((node) => hasPod(node) && hasFailed(node));
  const shown = failures.map((node) => ({
    displayName: node.displayName,
    message: node.message ?? '',
    templateName: node.templateName ?? node.templateRef?.template ?? '',
    phase: node.phase ?? '',
    podName: node.id,
    finishedAt: node.finishedAt ?? '',
  }));
  // Quoted once more: it is meant to stand inside a JSON string of a script.
  pass.globals.set('workflow.failures', JSON.stringify(JSON.stringify(shown)));
}
