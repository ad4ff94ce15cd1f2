import { builtinType, isBuiltinName } from '../builtins/builtin-types.ts';
import { timeMethods } from '../builtins/time-methods.ts';
import { compilePattern, OperatorError } from './operators.ts';
import { ExprError } from './failure.ts';
import type { Node } from './ast.ts';
import { binaryType, unaryType } from './operator-types.ts';
import {
  argumentName,
  bytesType,
  eitherType,
  isAssignable,
  listType,
  mapType,
  type Signature,
  type Type,
  types,
} from './types.ts';
import { typeOfValue } from './value-type.ts';
import type { Value } from '../value.ts';

/** What names a program may use. With `get`, the types of their values are known too. */
export type Names = { has(name: string): boolean; get?(name: string): Value | undefined };

/** What surrounds a node: names, variables of `let`, the item that a predicate looks at. */
type Scope = {
  readonly names: Names;
  readonly locals: ReadonlyMap<string, Type>;
  readonly item?: Type;
  /** The names after `#` that the builtin offers. */
  readonly pointers?: readonly string[];
};

/** Check what can be known before running: names, types and numbers of arguments. Throws {@link ExprError}. */
export function checkExpression(node: Node, names: Names): void {
  typeOf(node, { names, locals: new Map() });
}

function refuse(message: string, { offset }: Node): never {
  throw new ExprError('compile', message, offset);
}

function typeOf(node: Node, scope: Scope): Type {
  switch (node.kind) {
    case 'literal':
      return node.value instanceof Uint8Array ? bytesType : typeOfValue(node.value);
    case 'name':
      return nameType(node.name, node, scope);
    case 'environment':
      return mapType();
    case 'pointer':
      return pointerType(node, scope);
    case 'unary':
      return typeOfUnary(node, scope);
    case 'binary':
      return typeOfBinary(node, scope);
    case 'chain':
    case 'predicate':
      return typeOf(node.body, scope);
    case 'member':
      return typeOfMember(node, scope, false);
    case 'slice':
      return typeOfSlice(node, scope);
    case 'call':
      return typeOfCall(node, scope);
    case 'builtin':
      return typeOfBuiltin(node, scope);
    case 'conditional':
      return typeOfConditional(node, scope);
    case 'let':
      return typeOfLet(node, scope);
    case 'sequence':
      return node.items.reduce<Type>((_, item) => typeOf(item, scope), types.nil);
    case 'list':
      return typeOfList(node.items, scope);
    case 'map':
      for (const [key, value] of node.entries) {
        typeOf(key, scope);
        typeOf(value, scope);
      }
      return mapType();
    default:
      return node satisfies never;
  }
}

function nameType(name: string, node: Node, { locals, names }: Scope): Type {
  const local = locals.get(name);
  if (local) return local;
  if (names.has(name)) {
    const value = names.get?.(name);
    return names.get && value !== undefined ? typeOfValue(value) : types.unknown;
  }
  return isBuiltinName(name) ? types.func : refuse(`unknown name ${name}`, node);
}

function pointerType(node: Extract<Node, { kind: 'pointer' }>, { item, pointers }: Scope): Type {
  if (!item) return refuse('cannot use pointer accessor outside predicate', node);
  if (node.name === '') return item;
  if (!pointers?.includes(node.name)) return refuse(`unknown pointer #${node.name}`, node);
  return node.name === 'index' ? types.int : types.unknown;
}

function typeOfUnary(node: Extract<Node, { kind: 'unary' }>, scope: Scope): Type {
  const operand = typeOf(node.operand, scope);
  return (
    unaryType(node.operator, operand) ??
    refuse(`invalid operation: ${node.operator} (mismatched type ${operand.name})`, node)
  );
}

function typeOfBinary(node: Extract<Node, { kind: 'binary' }>, scope: Scope): Type {
  const { operator } = node;
  const left = typeOf(node.left, scope);
  const right = typeOf(node.right, scope);
  if (operator === '??') return eitherType(left, right);
  const gives = binaryType(operator, left, right);
  if (!gives) return refuse(`invalid operation: ${operator} (mismatched types ${left.name} and ${right.name})`, node);
  if (operator === 'matches' && node.right.kind === 'literal') checkPattern(node.right);
  if (operator === '%' && isConstant(node.left) && node.right.kind === 'literal' && node.right.value === 0n)
    refuse('integer divide by zero', node);
  return gives;
}

/** A number that is written out, so that the operator is worked out before the expression runs. */
function isConstant(node: Node): boolean {
  return node.kind === 'literal' || (node.kind === 'unary' && isConstant(node.operand));
}

function checkPattern(node: Extract<Node, { kind: 'literal' }>): void {
  if (typeof node.value !== 'string') return;
  try {
    compilePattern(node.value);
  } catch (error) {
    if (error instanceof OperatorError) refuse(error.message, node);
    throw error;
  }
}

function typeOfMember(node: Extract<Node, { kind: 'member' }>, scope: Scope, called: boolean): Type {
  const { object, property } = node;
  const name = property.kind === 'literal' && typeof property.value === 'string' ? property.value : undefined;
  if (object.kind === 'environment') {
    if (name === undefined) typeOf(property, scope);
    if (name === undefined || (node.optional && !scope.names.has(name))) return types.unknown;
    return nameType(name, property, scope);
  }
  const base = typeOf(object, scope);
  const key = typeOf(property, scope);
  if (base.kind === 'unknown') return types.unknown;
  if (base.kind === 'nil' && name !== undefined) return refuse(`type nil has no field ${name}`, node);
  if (base.kind === 'map' || base.kind === 'list') return elementType(base, key, property);
  if (name === undefined) return refuse(`type ${base.name}[${key.name}] is undefined`, node);
  const method = timeMethods.get(base.name)?.get(name);
  if (method) return { ...types.func, signature: method.signature };
  return refuse(`type ${base.name} has no ${called ? 'method' : 'field'} ${name}`, node);
}

/** What stands at a key of a map or an index of a list. */
function elementType(base: Type, key: Type, property: Node): Type {
  if (base.kind === 'map' && key.kind !== 'string' && key.kind !== 'unknown')
    refuse(`cannot use ${key.name} to get an element from ${base.name}`, property);
  if (base.kind === 'list' && key.kind !== 'int' && key.kind !== 'unknown')
    refuse(`array elements can only be selected using an integer (got ${key.name})`, property);
  return base.item ?? types.unknown;
}

function typeOfSlice(node: Extract<Node, { kind: 'slice' }>, scope: Scope): Type {
  const base = typeOf(node.object, scope);
  if (base.kind !== 'list' && base.kind !== 'string' && base.kind !== 'unknown')
    refuse(`cannot slice ${base.name}`, node);
  for (const bound of [node.from, node.to]) {
    if (!bound) continue;
    const { kind, name } = typeOf(bound, scope);
    if (kind !== 'int' && kind !== 'unknown') refuse(`non-integer slice index ${name}`, bound);
  }
  return base;
}

function typeOfCall(node: Extract<Node, { kind: 'call' }>, scope: Scope): Type {
  const { callee } = node;
  const type = callee.kind === 'member' ? typeOfMember(callee, scope, true) : typeOf(callee, scope);
  const given = node.arguments.map((item) => typeOf(item, scope));
  if (type.kind === 'unknown') return types.unknown;
  if (type.kind !== 'func') return refuse(`${argumentName(type)} is not callable`, node);
  if (!type.signature) return types.unknown;
  const name = callee.kind === 'name' ? callee.name : callee.kind === 'member' ? propertyName(callee) : 'function';
  return checkSignature(name, type.signature, given, node);
}

function propertyName({ property }: Extract<Node, { kind: 'member' }>): string {
  return property.kind === 'literal' && typeof property.value === 'string' ? property.value : 'function';
}

function checkSignature(
  name: string,
  signature: Signature,
  given: readonly Type[],
  node: Extract<Node, { kind: 'call' | 'builtin' }>,
): Type {
  const { takes, optional = [], rest, gives } = signature;
  const wanted = [...takes, ...optional];
  if (given.length < takes.length) refuse(`not enough arguments to call ${name}`, node);
  if (!rest && given.length > wanted.length) refuse(`too many arguments to call ${name}`, node);
  for (const [index, type] of given.entries()) {
    const want = wanted[index] ?? rest;
    const place = node.arguments[index] ?? node;
    if (want && !isAssignable(type, want))
      refuse(
        `cannot use ${type.kind === 'nil' ? 'nil' : type.name} as argument (type ${want.name}) to call ${name}`,
        place,
      );
  }
  return gives;
}

function typeOfConditional(node: Extract<Node, { kind: 'conditional' }>, scope: Scope): Type {
  const test = typeOf(node.test, scope);
  if (test.kind !== 'bool' && test.kind !== 'unknown')
    refuse(`non-bool expression (type ${test.name}) used as condition`, node.test);
  return eitherType(typeOf(node.consequent, scope), typeOf(node.otherwise, scope));
}

function typeOfLet(node: Extract<Node, { kind: 'let' }>, scope: Scope): Type {
  const { name } = node;
  const place = { ...node, offset: node.offset + 4 };
  if (scope.names.has(name)) refuse(`cannot redeclare ${name}`, place);
  if (isBuiltinName(name)) refuse(`cannot redeclare builtin ${name}`, place);
  if (scope.locals.has(name)) refuse(`cannot redeclare variable ${name}`, place);
  const value = typeOf(node.value, scope);
  return typeOf(node.body, { ...scope, locals: new Map(scope.locals).set(name, value) });
}

function typeOfList(items: readonly Node[], scope: Scope): Type {
  const [first = types.unknown, ...rest] = items.map((item) => typeOf(item, scope));
  return listType(rest.every(({ kind }) => kind === first.kind) ? first : types.unknown);
}

function typeOfBuiltin(node: Extract<Node, { kind: 'builtin' }>, scope: Scope): Type {
  const [source, test, ...rest] = node.arguments;
  if (test?.kind !== 'predicate' || !source) {
    const given = node.arguments.map((item) => typeOf(item, scope));
    const result = builtinType(node.name, given);
    if ('gives' in result && 'takes' in result) return checkSignature(node.name, result, given, node);
    if ('gives' in result) return result.gives;
    return refuse(result.problem, result.argument === undefined ? node : (node.arguments[result.argument] ?? node));
  }
  const list = typeOf(source, scope);
  if (list.kind !== 'list' && list.kind !== 'unknown')
    refuse(`builtin ${node.name} takes only array (got ${list.name})`, source);
  const item = list.item ?? types.unknown;
  const gives = typeOf(test.body, { ...scope, item, pointers: pointersOf[node.name] ?? [] });
  for (const other of rest) typeOf(other, scope);
  if (gives.kind === 'nil') refuse('predicate should has one input and one output param', test);
  return predicateType(node.name, gives, item, test);
}

const pointersOf: Readonly<Record<string, readonly string[]>> = { map: ['index'], reduce: ['index', 'acc'] };
const wantsBool = new Set([
  'all',
  'none',
  'any',
  'one',
  'filter',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'count',
]);

function predicateType(name: string, gives: Type, item: Type, place: Node): Type {
  if (wantsBool.has(name) && gives.kind !== 'bool' && gives.kind !== 'unknown')
    refuse(`predicate should return boolean (got ${gives.name})`, place);
  if (name === 'filter') return listType(item);
  if (name === 'map') return listType(gives);
  if (name === 'find' || name === 'findLast') return item;
  if (name === 'findIndex' || name === 'findLastIndex' || name === 'count') return types.int;
  if (name === 'sum') return gives;
  if (name === 'sortBy') return listType();
  return name === 'reduce' || name === 'groupBy' ? types.unknown : types.bool;
}
