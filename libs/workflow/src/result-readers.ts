import type { RunContext } from './run-context.ts';
import { jsonTextOf } from './variables.ts';

const readers = new WeakMap<object, ReadonlySet<string>>();
const anyName = '*';
const pattern = /(?:steps|tasks)(?:\.([A-Za-z0-9_-]+)|\[\s*(?:\\?["'])([^"'\\]+)(?:\\?["'])\s*\]|\[)/g;

/** Names of steps and tasks whose result somebody in this spec may read; `*` when a name is computed. */
function namesRead(spec: object): ReadonlySet<string> {
  const known = readers.get(spec);
  if (known) return known;
  const text = jsonTextOf(spec);
  const names = new Set<string>();
  if (/\bresult\b|outputs\.result|\boutputs\b\s*\[/.test(text)) {
    for (const [, dotted, bracketed] of text.matchAll(pattern)) names.add(dotted ?? bracketed ?? anyName);
    if (/\{\{(?:steps|tasks)\.\{\{/.test(text)) names.add(anyName);
  }
  readers.set(spec, names);
  return names;
}

/** True when the result of the node's standard output is read somewhere: only then it is worth capturing. */
export function isResultRead({ pass, request, context }: RunContext): boolean {
  const name = (request.call.name ?? '').replace(/\(\d+:.*$/s, '');
  if (name === '') return false;
  const specs: object[] = [
    pass.spec,
    ...(context.scope === pass.local.scope ? [] : [...pass.storedTemplates.values()]),
  ];
  return specs.some((spec) => {
    const names = namesRead(spec);
    return names.has(name) || names.has(anyName);
  });
}
