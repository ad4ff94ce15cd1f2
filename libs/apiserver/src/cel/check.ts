import type { Node } from './ast.ts';
import { errorAt } from './cel-error.ts';
import {
  accepts,
  type Bindings,
  type CelType,
  formatType,
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
};

type Scope = ReadonlyMap<string, CelType>;

const comparisonNames = new Set(['_==_', '_!=_', '@in']);
const typeNames: ReadonlyMap<string, CelType> = new Map(
  Object.values(types)
    .map((type): readonly [string, CelType] => [type.kind === 'simple' ? type.name : '', type])
    .concat([
      ['list', listOf(types.dyn)],
      ['map', mapOf(types.dyn, types.dyn)],
      ['optional_type', optionalOf(types.dyn)],
    ])
    .filter(([name]) => name !== 'dyn'),
);

/** Finds the type of an expression. Throws a compile error, in the words of Kubernetes, for what cannot be. */
export function checkCel(text: string, node: Node, variables: Scope, functions: FunctionTable): Checked {
  const checker = new Checker(text, functions);
  const type = checker.check(node, variables);
  return { type, overloads: checker.overloads, plainCalls: checker.plainCalls };
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
  readonly #text: string;
  readonly #functions: FunctionTable;

  constructor(text: string, functions: FunctionTable) {
    this.#text = text;
    this.#functions = functions;
  }

  check(node: Node, scope: Scope): CelType {
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
        return this.#list(node, scope, true);
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
    const found = scope.get(node.name);
    if (found) return found;
    const type = typeNames.get(node.name);
    if (type) return { kind: 'type', of: type };
    throw this.#fail(node, `undeclared reference to '${node.name}' (in container '')`);
  }

  #select(node: Node & { readonly op: 'select' }, scope: Scope): CelType {
    const dotted = dottedName(node);
    const named = dotted === undefined ? undefined : typeNames.get(dotted);
    if (named) return { kind: 'type', of: named };
    const of = this.check(node.of, scope);
    const inner = of.kind === 'optional' ? of.value : of;
    const field = this.#field(node, inner);
    const isOptional = (node.isOptional || of.kind === 'optional') && !isOptionalType(field);
    return isOptional ? optionalOf(field) : field;
  }

  #field(node: Node & { readonly op: 'select' }, of: CelType): CelType {
    if (isDyn(of)) return types.dyn;
    if (of.kind === 'map') return of.value;
    if (of.kind !== 'object') throw this.#fail(node, `type '${formatType(of)}' does not support field selection`);
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
    const shown = given.map(formatType).join(', ');
    const applied = target ? `${formatType(target)}.(${shown})` : `(${shown})`;
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
    if (!fits) throw this.#noOverload(node, name, args, target);
    return fits;
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
      result = chosen.length === 0 ? type : result && formatType(result) === formatType(type) ? result : types.dyn;
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
    return listOf(item ?? types.dyn);
  }

  #element(node: Node, isOptional: boolean, scope: Scope): CelType {
    const type = this.check(node, scope);
    if (!isOptional || isDyn(type)) return type;
    if (type.kind !== 'optional')
      throw this.#fail(node, `expected type 'optional_type(${formatType(type)})' but found '${formatType(type)}'`);
    return type.value;
  }

  #together(node: Node, before: CelType | undefined, own: CelType, isHomogeneous: boolean): CelType {
    if (!before) return own;
    const both = joined(before, own);
    if (!both && isHomogeneous)
      throw this.#fail(node, `expected type '${formatType(before)}' but found '${formatType(own)}'`);
    return both ?? types.dyn;
  }

  #map(node: Node & { readonly op: 'map' }, scope: Scope): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of node.entries) {
      key = this.#together(entry.key, key, this.check(entry.key, scope), true);
      value = this.#together(entry.value, value, this.#element(entry.value, entry.isOptional, scope), true);
    }
    return mapOf(key ?? types.dyn, value ?? types.dyn);
  }

  #macro(node: Node & { readonly op: 'macro' }, scope: Scope): CelType {
    const range = this.check(node.range, scope);
    const inner = new Map([...scope, ...this.#variables(node, range)]);
    const args = node.args.map((arg) => this.check(arg, inner));
    const last = args.at(-1) ?? types.dyn;
    const [first = types.dyn] = args;
    const isPredicate = args.length > 1 || ['all', 'exists', 'exists_one', 'filter'].includes(node.name);
    if (isPredicate && !isDyn(first) && formatType(first) !== 'bool')
      throw this.#fail(node.args[0] ?? node, `expected type 'bool' but found '${formatType(first)}'`);
    const result = this.#macroResult(node, { range, last, item: inner.get(node.names[0] ?? '') ?? types.dyn });
    if (!result) throw this.#fail(node, `expected type 'map' but found '${formatType(last)}'`);
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
        `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
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
  if (isDyn(of)) return types.dyn;
  if (of.kind === 'list') return isDyn(index) || formatType(index) === 'int' ? of.item : undefined;
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
