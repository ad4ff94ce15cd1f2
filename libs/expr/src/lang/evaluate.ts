import { floatToInt } from '../builtins/conversions.ts';
import { applyPlain } from '../builtins/plain.ts';
import { applyPredicate, type PredicateScope } from '../builtins/predicates.ts';
import { isBuiltinName } from '../builtins/builtin-types.ts';
import { timeMethods } from '../builtins/time-methods.ts';
import { byteLength, encodeUtf8, sliceBytes } from '../utf8.ts';
import { formatValue, holdsStrings, isList, isMap, isNumber, NamedInt, typeName, type Value } from '../value.ts';
import type { Node } from './ast.ts';
import { Budget, BudgetExceeded, type BudgetLimits } from './budget.ts';
import { ExprError } from './failure.ts';
import { applyBinary, OperatorError, toBool } from './operators.ts';

/** Names that an expression may use, with their values. */
export type Environment = ReadonlyMap<string, Value>;

/** The state of one evaluation. */
type Frame = {
  readonly environment: Environment;
  readonly budget: Budget;
  readonly locals: ReadonlyMap<string, Value>;
  readonly scope?: PredicateScope;
};

/** Ends an optional chain early: its value is nil. */
const broken = Symbol('broken chain');

/** Evaluate a parsed expression. Throws {@link ExprError} with phase run. */
export function runExpression(node: Node, environment: Environment, limits?: BudgetLimits): Value {
  const frame: Frame = { environment, budget: new Budget(limits), locals: new Map() };
  return withoutNames(evaluate(node, frame));
}

/** Months and weekdays leave an expression as numbers. */
function withoutNames(value: Value): Value {
  if (value instanceof NamedInt) return value.value;
  return isList(value) && value.some((item) => item instanceof NamedInt) ? value.map(withoutNames) : value;
}

/** Evaluate one node within a frame. */
function evaluate(node: Node, frame: Frame): Value {
  try {
    frame.budget.step();
    return visit(node, frame);
  } catch (error) {
    if (error instanceof OperatorError || error instanceof BudgetExceeded)
      throw new ExprError('run', error.message, node.offset);
    if (error instanceof RangeError)
      throw new ExprError('run', `the expression is nested too deeply or too large`, node.offset);
    throw error;
  }
}

function visit(node: Node, frame: Frame): Value {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'name':
      return lookUp(node.name, node.offset, frame);
    case 'environment':
      return new Map<Value, Value>(frame.environment);
    case 'pointer':
      return pointer(node.name, node.offset, frame);
    case 'unary':
      return applyUnary(node.operator, evaluate(node.operand, frame));
    case 'binary':
      return visitBinary(node, frame);
    case 'chain':
      return endChain(chainValue(node.body, frame));
    case 'member':
    case 'slice':
    case 'call':
      return endChain(chainValue(node, frame));
    case 'builtin':
      return visitBuiltin(node, frame);
    case 'conditional':
      return evaluate(toBool(evaluate(node.test, frame)) ? node.consequent : node.otherwise, frame);
    case 'let':
    case 'predicate':
      return visitScoped(node, frame);
    case 'sequence':
      return node.items.reduce<Value>((_, item) => evaluate(item, frame), null);
    case 'list':
      frame.budget.allocate(node.items.length);
      return node.items.map((item) => evaluate(item, frame));
    case 'map':
      return visitMap(node.entries, frame);
    default:
      return node satisfies never;
  }
}

function endChain(value: Value | typeof broken): Value {
  return value === broken ? null : value;
}

function visitScoped(node: Extract<Node, { kind: 'let' | 'predicate' }>, frame: Frame): Value {
  if (node.kind === 'predicate') return evaluate(node.body, frame);
  const locals = new Map(frame.locals).set(node.name, evaluate(node.value, frame));
  return evaluate(node.body, { ...frame, locals });
}

function lookUp(name: string, offset: number, frame: Frame): Value {
  const local = frame.locals.get(name);
  if (local !== undefined) return local;
  const value = frame.environment.get(name);
  if (value !== undefined) return value;
  if (isBuiltinName(name)) return null;
  throw new ExprError('compile', `unknown name ${name}`, offset);
}

function pointer(name: string, offset: number, frame: Frame): Value {
  const { scope } = frame;
  if (!scope) throw new ExprError('compile', 'cannot use pointer accessor outside predicate', offset);
  if (name === '') return scope.item;
  if (name === 'index') return BigInt(scope.index);
  if (name === 'acc' && scope.accumulator !== undefined) return scope.accumulator;
  throw new ExprError('compile', `unknown pointer #${name}`, offset);
}

function applyUnary(operator: string, value: Value): Value {
  if (operator === 'not' || operator === '!') return !toBool(value);
  if (value instanceof NamedInt) return applyUnary(operator, value.value);
  if (operator === '+') return value;
  if (typeof value === 'bigint') return BigInt.asIntN(64, -value);
  if (typeof value === 'number') return -value;
  throw new OperatorError(`invalid operation: - ${typeName(value)}`);
}

function visitBinary(node: Extract<Node, { kind: 'binary' }>, frame: Frame): Value {
  const { operator } = node;
  const left = evaluate(node.left, frame);
  if (operator === '??') return left === null ? evaluate(node.right, frame) : left;
  if (operator === '&&' || operator === 'and') return toBool(left) ? evaluate(node.right, frame) : false;
  if (operator === '||' || operator === 'or') return toBool(left) ? true : evaluate(node.right, frame);
  const right = evaluate(node.right, frame);
  if (operator === '..') return range(left, right, frame);
  const value = applyBinary(operator, left, right);
  if (typeof value === 'string') frame.budget.allocate(value.length);
  return value;
}

const maxRange = 1_000_000n;

function range(first: Value, last: Value, frame: Frame): Value {
  const [from, to] = [rangeEnd(first), rangeEnd(last)];
  const size = to - from + 1n;
  if (size <= 0n) return [];
  if (size >= maxRange) throw new BudgetExceeded('memory budget exceeded');
  frame.budget.allocate(Number(size));
  return Array.from({ length: Number(size) }, (_, index) => from + BigInt(index));
}

function rangeEnd(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof NamedInt) return value.value;
  if (typeof value === 'number') return floatToInt(value);
  throw new OperatorError(`invalid operation: int(${typeName(value)})`);
}

/** The value of a member access, a slice or a call inside a chain. */
function chainValue(node: Node, frame: Frame): Value | typeof broken {
  if (node.kind !== 'member' && node.kind !== 'slice' && node.kind !== 'call') return evaluate(node, frame);
  frame.budget.step();
  if (node.kind === 'call') {
    const callee = chainValue(node.callee, frame);
    if (callee === broken) return broken;
    const values = node.arguments.map((item) => evaluate(item, frame));
    if (typeof callee !== 'function') throw new ExprError('run', `${typeName(callee)} is not callable`, node.offset);
    return charged(callHost(callee, values, node.offset), frame.budget);
  }
  const object = chainValue(node.object, frame);
  if (object === broken) return broken;
  try {
    if (node.kind === 'slice')
      return slice(object, node.from && evaluate(node.from, frame), node.to && evaluate(node.to, frame));
    if (object === null && node.optional) return broken;
    return member(object, evaluate(node.property, frame));
  } catch (error) {
    if (error instanceof OperatorError) throw new ExprError('run', error.message, node.offset);
    throw error;
  }
}

/** Results of functions count as memory. */
function charged(value: Value, budget: Budget): Value {
  if (typeof value === 'string' || isList(value)) budget.allocate(value.length);
  return value;
}

function callHost(callee: (...values: Value[]) => Value, values: Value[], offset: number): Value {
  try {
    return callee(...values);
  } catch (error) {
    if (error instanceof ExprError) throw error;
    throw new ExprError('run', error instanceof Error ? error.message : String(error), offset);
  }
}

/** A key of a map (nil when missing), an item of a list or a byte of a string. Throws {@link OperatorError}. */
export function member(object: Value, property: Value): Value {
  if (isMap(object)) return object.get(property) ?? (holdsStrings(object) ? '' : null);
  if (isList(object) || typeof object === 'string' || object instanceof Uint8Array) return itemAt(object, property);
  const method = typeof property === 'string' ? timeMethods.get(typeName(object))?.get(property) : undefined;
  if (method) return (...given) => method.call(object, given);
  throw new OperatorError(`cannot fetch ${formatValue(property)} from ${typeName(object)}`);
}

function itemAt(object: readonly Value[] | string | Uint8Array, property: Value): Value {
  const items = typeof object === 'string' ? encodeUtf8(object) : object;
  const size = items.length;
  if (!isNumber(property)) throw new OperatorError(`invalid operation: int(${typeName(property)})`);
  const asked = Math.trunc(Number(property));
  const index = asked < 0 ? size + asked : asked;
  const item = items[index];
  if (item === undefined || index < 0)
    throw new OperatorError(`index out of range: ${index} (array length is ${size})`);
  return items instanceof Uint8Array ? BigInt(Number(item)) : item;
}

function slice(object: Value, from: Value | undefined, to: Value | undefined): Value {
  if (!isList(object) && typeof object !== 'string' && !(object instanceof Uint8Array))
    throw new OperatorError(`cannot slice ${typeName(object)}`);
  const size = typeof object === 'string' ? byteLength(object) : object.length;
  const bound = (value: Value | undefined, fallback: number): number => {
    if (value === undefined) return fallback;
    if (!isNumber(value)) throw new OperatorError(`invalid operation: int(${typeName(value)})`);
    const asked = Math.trunc(Number(value));
    return Math.min(size, Math.max(0, asked < 0 ? size + asked : asked));
  };
  const start = bound(from, 0);
  const end = Math.max(start, bound(to, size));
  return typeof object === 'string' ? sliceBytes(object, start, end) : object.slice(start, end);
}

function visitBuiltin(node: Extract<Node, { kind: 'builtin' }>, frame: Frame): Value {
  const [first, second] = node.arguments;
  if (second?.kind === 'predicate' || (first && !second && (node.name === 'count' || node.name === 'sum'))) {
    return applyPredicate(node, (inner, scope) => evaluate(inner, scope ? { ...frame, scope } : frame), frame.budget);
  }
  const values = node.arguments.map((item) => evaluate(item, frame));
  const value = applyPlain(node.name, values, node.offset, frame.budget);
  if (typeof value === 'string' || isList(value)) frame.budget.allocate(value.length);
  return value;
}

function visitMap(entries: readonly (readonly [Node, Node])[], frame: Frame): Value {
  frame.budget.allocate(entries.length);
  const map = new Map<Value, Value>();
  for (const [keyNode, value] of entries) {
    const key = evaluate(keyNode, frame);
    if (typeof key !== 'string')
      throw new OperatorError(`interface conversion: interface {} is ${typeName(key)}, not string`);
    map.set(key, evaluate(value, frame));
  }
  return map;
}
