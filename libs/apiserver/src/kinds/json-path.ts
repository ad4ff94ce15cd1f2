import { isRecord } from './object-access.ts';

type Step =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly path: readonly string[]; readonly operator: string; readonly value: string };

const maxLength = 1000;
const stepPattern =
  /\.(?<name>(?:[A-Za-z0-9_-]|\\.)+)|\[(?<index>-?\d+)\]|\[(?<all>\*)\]|\.(?<star>\*)|\[['"](?<quoted>[^'"]*)['"]\]|\[\?\(@(?<path>[.A-Za-z0-9_-]*)\s*(?:(?<operator>==|!=)\s*(?:['"](?<text>[^'"]*)['"]|(?<bare>[A-Za-z0-9.]+)))?\s*\)\]/uy;

/**
 * Reads the JSONPath of printer columns, selectable fields and scale paths (`.spec.a['b'].c[0].d[?(@.type=="Ready")].status`). undefined
 * when it is none of this form.
 */
export function parseJsonPath(text: string): readonly Step[] | undefined {
  if (text.length > maxLength) return undefined;
  const trimmed = text.replace(/^\{(.*)\}$/u, '$1').replace(/^\$/u, '');
  const path = trimmed.startsWith('.') || trimmed.startsWith('[') ? trimmed : `.${trimmed}`;
  const steps: Step[] = [];
  stepPattern.lastIndex = 0;
  while (stepPattern.lastIndex < path.length) {
    const groups = stepPattern.exec(path)?.groups;
    if (groups === undefined) return undefined;
    steps.push(stepOf(groups));
  }
  return steps;
}

function stepOf(groups: { readonly [key: string]: string | undefined }): Step {
  const name = groups['name']?.replaceAll(/\\(.)/gu, '$1') ?? groups['quoted'];
  if (name !== undefined) return { kind: 'name', name };
  if (groups['index'] !== undefined) return { kind: 'index', index: Number(groups['index']) };
  if (groups['all'] !== undefined || groups['star'] !== undefined) return { kind: 'all' };
  const path = (groups['path'] ?? '').split('.').filter((part) => part !== '');
  return {
    kind: 'filter',
    path,
    operator: groups['operator'] ?? 'exists',
    value: groups['text'] ?? groups['bare'] ?? '',
  };
}

/** Every value that a path leads to, in order. */
export function findJsonPath(steps: readonly Step[], root: unknown): readonly unknown[] {
  let values: readonly unknown[] = [root];
  for (const step of steps) values = values.flatMap((value) => follow(step, value));
  return values;
}

function follow(step: Step, value: unknown): readonly unknown[] {
  switch (step.kind) {
    case 'name':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index': {
      const item: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return Array.isArray(value) ? (value as readonly unknown[]) : isRecord(value) ? Object.values(value) : [];
    case 'filter':
      return Array.isArray(value) ? (value as readonly unknown[]).filter((item) => holds(step, item)) : [];
  }
}

function holds(step: Extract<Step, { kind: 'filter' }>, item: unknown): boolean {
  let value = item;
  for (const name of step.path) value = isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  if (step.operator === 'exists') return value !== undefined;
  const text =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  return step.operator === '==' ? text === step.value : text !== step.value;
}
