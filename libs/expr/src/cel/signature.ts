import { type CelType, listOf, mapOf, optionalOf, types } from './cel-type.ts';

/** One way to call a function. The receiver of a member function is its first argument. */
export type Overload = {
  readonly isMember: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  readonly call: (...args: never[]) => unknown;
  /** The first argument of `call` is the meter; it charges for itself. */
  readonly isMetered: boolean;
};

/** Functions and operators by name. */
export type FunctionTable = ReadonlyMap<string, readonly Overload[]>;

/** Implementations by signature: `string.find(string): string`, `ip(string): net.IP`, `sets.contains(list<T>, list<T>): bool`. */
export type Signatures = Readonly<Record<string, (...args: never[]) => unknown>>;

/** The table of all signatures given. A name with a known namespace in front is a plain function. */
export function functionTable(
  plain: readonly Signatures[],
  metered: readonly Signatures[],
  namespaces: readonly string[],
): FunctionTable {
  const table = new Map<string, Overload[]>();
  for (const [group, isMetered] of [
    ...plain.map((one) => [one, false] as const),
    ...metered.map((one) => [one, true] as const),
  ]) {
    for (const [signature, call] of Object.entries(group)) {
      const { name, ...shape } = parseSignature(signature, namespaces);
      const known = table.get(name) ?? [];
      known.push({ ...shape, call, isMetered });
      table.set(name, known);
    }
  }
  return table;
}

function parseSignature(signature: string, namespaces: readonly string[]) {
  const match = /^(.+?)\((.*)\): (.+)$/u.exec(signature);
  if (!match) throw new TypeError(`no signature: ${signature}`);
  const [, path = '', given = '', result = ''] = match;
  const dot = path.lastIndexOf('.');
  const owner = dot < 0 ? '' : path.slice(0, dot);
  const isMember = owner !== '' && !namespaces.includes(owner);
  const args = splitTypes(given).map(parseType);
  return {
    name: isMember ? path.slice(dot + 1) : path,
    isMember,
    args: isMember ? [parseType(owner), ...args] : args,
    result: parseType(result),
  };
}

function splitTypes(text: string): readonly string[] {
  const out: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char === '<') depth++;
    else if (char === '>') depth--;
    else if ((char === ',' && depth === 0) || at === text.length) {
      const part = text.slice(from, at).trim();
      if (part !== '') out.push(part);
      from = at + 1;
    }
  }
  return out;
}

function parseType(text: string): CelType {
  const generic = /^(\w+)<(.+)>$/u.exec(text);
  if (generic) {
    const [first = types.dyn, second = types.dyn] = splitTypes(generic[2] ?? '').map(parseType);
    if (generic[1] === 'list') return listOf(first);
    if (generic[1] === 'map') return mapOf(first, second);
    return generic[1] === 'type' ? { kind: 'type', of: first } : optionalOf(first);
  }
  if (/^[A-Z]$/u.test(text)) return { kind: 'param', name: text };
  const known: Readonly<Record<string, CelType>> = { ...types, timestamp: types.timestamp, duration: types.duration };
  return Object.hasOwn(known, text) ? (known[text] ?? types.dyn) : { kind: 'simple', name: text };
}
