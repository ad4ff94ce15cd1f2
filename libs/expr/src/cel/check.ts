import type { Node } from './ast.ts';
import { CelCompileError, errorAt } from './cel-error.ts';
import {
  accepts,
  type Bindings,
  type CelType,
  describeType,
  free,
  isDyn,
  joined,
  listOf,
  mapOf,
  optionalOf,
  substitute,
  types,
} from './cel-type.ts';
import type { FunctionTable, Overload } from './signature.ts';

/** What the compiler needs to know beside the tree. */
export type Checked = {
  readonly type: CelType;
  /** The overloads that may be meant by a call. */
  readonly overloads: ReadonlyMap<Node, readonly Overload[]>;
  /** Names with dots in front of a function (`sets.contains`) and types by name. */
  readonly plainCalls: ReadonlySet<Node>;
  /** The variables that names and paths of names mean. */
  readonly names: ReadonlyMap<Node, string>;
};

/** What differs between users of CEL. */
export type CelDialect = {
  /** `standard`: as cel-spec has it; literals may mix types, and numbers are formatted the newer way. Default: as Kubernetes. */
  readonly dialect?: 'kubernetes' | 'standard';
  /** Names are looked for in this namespace and those around it first. */
  readonly container?: string;
  /** Types are found out only when the expression runs. */
  readonly unchecked?: boolean;
};

type CheckRules = CelDialect & { readonly functions: FunctionTable };

type Scope = ReadonlyMap<string, CelType>;

const comparisonNames = new Set(['_==_', '_!=_', '@in']);
const typeNames: Map<string, CelType> = new Map(
  Object.values(types)
    .map((type): readonly [string, CelType] => [type.kind === 'simple' ? type.name : '', type])
    .concat([
      ['list', listOf(types.dyn)],
      ['map', mapOf(types.dyn, types.dyn)],
      ['optional_type', optionalOf(types.dyn)],
    ])
    .filter(([name]) => name !== 'dyn'),
).set('type', { kind: 'simple', name: 'type' });

/** The type of the name of a type. */
function typeNamed(name: string): CelType | undefined {
  const of = typeNames.get(name);
  return of && { kind: 'type', of };
}

/** True for the name of a type, which is a value too. */
export function isTypeName(name: string): boolean {
  return typeNames.has(name);
}

/** Finds the type of an expression. Throws a compile error, in the words of Kubernetes, for what cannot be. */
export function checkCel(text: string, node: Node, variables: Scope, rules: CheckRules): Checked {
  const checker = new Checker(text, rules);
  const type = checker.check(node, variables);
  return { type, overloads: checker.overloads, plainCalls: checker.plainCalls, names: checker.names };
}

/** The path of a name with dots, `google.protobuf.Timestamp`; undefined for other expressions. */
export function dottedName(node: Node): string | undefined {
  if (node.op === 'name') return node.name;
  if (node.op !== 'select' || node.isOptional) return undefined;
  const of = dottedName(node.of);
  return of === undefined ? undefined : `${of}.${node.field}`;
}

class Checker {
  readonly overloads = new Map<Node, readonly Overload[]>();
  readonly plainCalls = new Set<Node>();
  readonly names = new Map<Node, string>();
  readonly #text: string;
  readonly #functions: FunctionTable;
  readonly #rules: CelDialect;

  constructor(text: string, { functions, ...rules }: CheckRules) {
    this.#text = text;
    this.#functions = functions;
    this.#rules = rules;
  }

  check(node: Node, scope: Scope): CelType {
    if (this.#rules.unchecked !== true) return this.#check(node, scope);
    try {
      return this.#check(node, scope);
    } catch (error) {
      if (error instanceof CelCompileError) return types.dyn;
      throw error;
    }
  }

  #check(node: Node, scope: Scope): CelType {
    switch (node.op) {
      case 'constant':
        return constantType(node.value);
      case 'name':
        return this.#name(node, scope);
      case 'select':
        return this.#select(node, scope);
      case 'has':
        this.#select(node.select, scope);
        return types.bool;
      case 'index':
        return this.#index(node, scope);
      case 'call':
        return this.#call(node, scope);
      case 'list':
        return this.#list(node, scope, this.#rules.dialect !== 'standard');
      case 'map':
        return this.#map(node, scope);
      case 'bind':
        return this.check(node.body, new Map([...scope, [node.name, this.check(node.value, scope)]]));
      case 'macro':
        return this.#macro(node, scope);
    }
  }

  #fail(node: Node, message: string): Error {
    return errorAt(this.#text, node.at, message);
  }

  #name(node: Node & { readonly op: 'name' }, scope: Scope): CelType {
    const found = this.#variable(node, node.name, scope) ?? typeNamed(node.name);
    if (found) return found;
    throw this.#fail(node, `undeclared reference to '${node.name}' (in container '')`);
  }

  /** The type of the variable that a name means: the container's first, then that of what is around it. */
  #variable(node: Node, name: string, scope: Scope): CelType | undefined {
    const parts = (this.#rules.container ?? '').split('.').filter((part) => part !== '');
    for (let length = parts.length; length >= 0; length--) {
      const full = [...parts.slice(0, length), name].join('.');
      const type = scope.get(full);
      if (!type) continue;
      this.names.set(node, full);
      return type;
    }
    return undefined;
  }

  #select(node: Node & { readonly op: 'select' }, scope: Scope): CelType {
    const dotted = dottedName(node);
    const named = dotted === undefined ? undefined : (this.#variable(node, dotted, scope) ?? typeNamed(dotted));
    if (named) return named;
    const of = this.check(node.of, scope);
    const inner = of.kind === 'optional' ? of.value : of;
    const field = this.#field(node, inner);
    const isOptional = (node.isOptional || of.kind === 'optional') && !isOptionalType(field);
    return isOptional ? optionalOf(field) : field;
  }

  #field(node: Node & { readonly op: 'select' }, of: CelType): CelType {
    if (isDyn(of)) return of;
    if (of.kind === 'map') return of.value;
    if (of.kind !== 'object') throw this.#fail(node, `type '${describeType(of)}' does not support field selection`);
    const field = of.fields.get(node.field);
    if (!field) throw this.#fail(node, `undefined field '${node.field}'`);
    return field;
  }

  #index(node: Node & { readonly op: 'index' }, scope: Scope): CelType {
    const of = this.check(node.of, scope);
    const index = this.check(node.index, scope);
    const inner = of.kind === 'optional' ? of.value : of;
    const item = indexed(inner, index);
    if (!item) throw this.#noOverload(node, node.isOptional ? '_[?_]' : '_[_]', [of, index]);
    return node.isOptional || of.kind === 'optional' ? optionalOf(item) : item;
  }

  #noOverload(node: Node, name: string, given: readonly CelType[], target?: CelType): Error {
    const shown = given.map(describeType).join(', ');
    const applied = target ? `${describeType(target)}.(${shown})` : `(${shown})`;
    return this.#fail(node, `found no matching overload for '${name}' applied to '${applied}'`);
  }

  #call(node: Node & { readonly op: 'call' }, scope: Scope): CelType {
    const owner = node.target && dottedName(node.target);
    const qualified =
      owner !== undefined && !scope.has(owner.split('.')[0] ?? '') ? `${owner}.${node.name}` : undefined;
    const isPlain = qualified !== undefined && this.#functions.has(qualified);
    if (isPlain) this.plainCalls.add(node);
    const isMember = node.target !== undefined && !isPlain;
    const name = isPlain ? qualified : node.name;
    const target = isMember && node.target ? this.check(node.target, scope) : undefined;
    const args = node.args.map((arg) =>
      name === 'format' && arg.op === 'list' ? this.#list(arg, scope, false) : this.check(arg, scope),
    );
    const declared = (this.#functions.get(name) ?? []).filter((overload) => overload.isMember === isMember);
    if (declared.length === 0) throw this.#fail(node, `undeclared reference to '${name}' (in container '')`);
    const fits = this.#fitting(node, declared, target ? [target, ...args] : args);
    if (fits) return fits;
    if (this.#rules.unchecked !== true) throw this.#noOverload(node, name, args, target);
    const count = args.length + (isMember ? 1 : 0);
    this.overloads.set(
      node,
      declared.filter((overload) => overload.args.length === count),
    );
    return types.dyn;
  }

  /** The type of a call's result, the overloads that it may mean kept for the compiler. */
  #fitting(node: Node, declared: readonly Overload[], given: readonly CelType[]): CelType | undefined {
    const chosen: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of declared) {
      const bindings: Bindings = new Map();
      if (overload.args.length !== given.length) continue;
      if (!overload.args.every((to, index) => accepts(to, given[index] ?? types.dyn, bindings))) continue;
      const type = substitute(overload.result, bindings);
      result = chosen.length === 0 ? type : result && describeType(result) === describeType(type) ? result : types.dyn;
      chosen.push(overload);
    }
    if (node.op === 'call' && comparisonNames.has(node.name) && chosen.length > 0) this.#requireComparable(node, given);
    this.overloads.set(node, chosen);
    return result;
  }

  #requireComparable(node: Node & { readonly op: 'call' }, given: readonly CelType[]): void {
    const [left = types.dyn, right = types.dyn] = given;
    const other =
      node.name !== '@in' ? right : right.kind === 'list' ? right.item : right.kind === 'map' ? right.key : right;
    if (!joined(left, other)) throw this.#noOverload(node, node.name, given);
  }

  #list(node: Node & { readonly op: 'list' }, scope: Scope, isHomogeneous: boolean): CelType {
    let item: CelType | undefined;
    for (const element of node.items) {
      const own = this.#element(element.value, element.isOptional, scope);
      item = this.#together(element.value, item, own, isHomogeneous);
    }
    return listOf(item ?? free);
  }

  #element(node: Node, isOptional: boolean, scope: Scope): CelType {
    const type = this.check(node, scope);
    if (!isOptional || isDyn(type)) return type;
    if (type.kind !== 'optional')
      throw this.#fail(node, `expected type 'optional_type(${describeType(type)})' but found '${describeType(type)}'`);
    return type.value;
  }

  #together(node: Node, before: CelType | undefined, own: CelType, isHomogeneous: boolean): CelType {
    if (!before) return own;
    const both = joined(before, own);
    if (!both && isHomogeneous)
      throw this.#fail(node, `expected type '${describeType(before)}' but found '${describeType(own)}'`);
    return both ?? types.dyn;
  }

  #map(node: Node & { readonly op: 'map' }, scope: Scope): CelType {
    const isHomogeneous = this.#rules.dialect !== 'standard';
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of node.entries) {
      key = this.#together(entry.key, key, this.check(entry.key, scope), isHomogeneous);
      value = this.#together(entry.value, value, this.#element(entry.value, entry.isOptional, scope), isHomogeneous);
    }
    return mapOf(key ?? free, value ?? free);
  }

  #macro(node: Node & { readonly op: 'macro' }, scope: Scope): CelType {
    const range = this.check(node.range, scope);
    const inner = new Map([...scope, ...this.#variables(node, range)]);
    const args = node.args.map((arg) => this.check(arg, inner));
    const last = args.at(-1) ?? types.dyn;
    const [first = types.dyn] = args;
    const isPredicate = args.length > 1 || ['all', 'exists', 'exists_one', 'filter'].includes(node.name);
    if (isPredicate && !isDyn(first) && describeType(first) !== 'bool')
      throw this.#fail(node.args[0] ?? node, `expected type 'bool' but found '${describeType(first)}'`);
    const result = this.#macroResult(node, { range, last, item: inner.get(node.names[0] ?? '') ?? types.dyn });
    if (!result) throw this.#fail(node, `expected type 'map' but found '${describeType(last)}'`);
    return result;
  }

  /** The type of a macro's result; undefined where its last argument has a wrong type. */
  #macroResult(
    { name }: Node & { readonly op: 'macro' },
    { range, last, item }: { readonly range: CelType; readonly last: CelType; readonly item: CelType },
  ): CelType | undefined {
    switch (name) {
      case 'all':
      case 'exists':
      case 'exists_one':
        return types.bool;
      case 'filter':
        return listOf(item);
      case 'sortBy':
        return range.kind === 'list' ? range : listOf(types.dyn);
      case 'map':
      case 'transformList':
        return listOf(last);
      case 'transformMap':
        return mapOf(range.kind === 'map' ? range.key : range.kind === 'list' ? types.int : types.dyn, last);
      case 'transformMapEntry':
        return last.kind === 'map' ? last : isDyn(last) ? mapOf(types.dyn, types.dyn) : undefined;
      case 'optMap':
        return optionalOf(last);
      case 'optFlatMap':
        return last.kind === 'optional' ? last : optionalOf(types.dyn);
    }
  }

  #variables(node: Node & { readonly op: 'macro' }, range: CelType): readonly (readonly [string, CelType])[] {
    const [first = '_', second] = node.names;
    if (node.name === 'optMap' || node.name === 'optFlatMap') {
      if (range.kind === 'optional' || isDyn(range))
        return [[first, range.kind === 'optional' ? range.value : types.dyn]];
      throw this.#noOverload(node, node.name, [], range);
    }
    if (range.kind !== 'list' && (range.kind !== 'map' || node.name === 'sortBy') && !isDyn(range)) {
      throw this.#fail(
        node.range,
        `expression of type '${describeType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
    }
    const [key, value] =
      range.kind === 'map' ? [range.key, range.value] : [types.int, range.kind === 'list' ? range.item : types.dyn];
    if (second === undefined) return [[first, range.kind === 'map' ? key : value]];
    return [
      [first, isDyn(range) ? types.dyn : key],
      [second, value],
    ];
  }
}

const isOptionalType = (type: CelType): boolean => type.kind === 'optional';

function indexed(of: CelType, index: CelType): CelType | undefined {
  if (isDyn(of)) return of;
  if (of.kind === 'list') return isDyn(index) || describeType(index) === 'int' ? of.item : undefined;
  return of.kind === 'map' && joined(of.key, index) ? of.value : undefined;
}

function constantType(value: (Node & { readonly op: 'constant' })['value']): CelType {
  if (value === null) return types.null;
  if (typeof value === 'bigint') return types.int;
  if (typeof value === 'number') return types.double;
  if (typeof value === 'string') return types.string;
  if (typeof value === 'boolean') return types.bool;
  return value instanceof Uint8Array ? types.bytes : types.uint;
}
