import type { Node } from '../lang/ast.ts';
import type { Budget } from '../lang/budget.ts';
import { ExprError } from '../lang/failure.ts';
import { applyBinary, OperatorError, orderOf, toBool } from '../lang/operators.ts';
import { encodeUtf8 } from '../utf8.ts';
import { Duration, isList, isMap, typeName, type Value } from '../value.ts';

/** What surrounds a predicate: the current item, its index, the accumulator of reduce. */
export type PredicateScope = { readonly item: Value; readonly index: number; readonly accumulator?: Value };

/** Evaluates a node, inside a predicate's scope where one is given. */
export type EvaluateIn = (node: Node, scope?: PredicateScope) => Value;

type Test = (item: Value, index: number, accumulator?: Value) => Value;
type BuiltinNode = Extract<Node, { kind: 'builtin' }>;

/** Evaluate a builtin that runs a predicate over a list (or the values of a map). */
export function applyPredicate(node: BuiltinNode, evaluateIn: EvaluateIn, budget: Budget): Value {
  const [source, predicate, extra] = node.arguments;
  if (!source) throw new ExprError('compile', `not enough arguments to call ${node.name}`, node.offset);
  const items = listOf(evaluateIn(source), node);
  const test: Test = (item, index, accumulator) => {
    if (!predicate) return item;
    const scope: PredicateScope = accumulator === undefined ? { item, index } : { item, index, accumulator };
    return evaluateIn(predicate, scope);
  };
  budget.allocate(items.length);
  if (node.name === 'reduce') return reduce(items, test, extra ? evaluateIn(extra) : undefined);
  if (node.name === 'sortBy') return sortBy(items, test, extra ? evaluateIn(extra) : 'asc');
  return apply(node.name, items, test);
}

function listOf(value: Value, node: BuiltinNode): readonly Value[] {
  if (isList(value)) return value;
  if (value instanceof Uint8Array) return [...value].map(BigInt);
  if (node.name === 'sum' && typeof value === 'string') return [...encodeUtf8(value)].map(BigInt);
  throw new ExprError('run', `builtin ${node.name} takes only array (got ${typeName(value)})`, node.offset);
}

function apply(name: string, items: readonly Value[], test: Test): Value {
  const holds = (item: Value, index: number): boolean => toBool(test(item, index));
  switch (name) {
    case 'all':
      return items.every(holds);
    case 'none':
      return !items.some(holds);
    case 'any':
      return items.some(holds);
    case 'one':
      return items.filter(holds).length === 1;
    case 'filter':
      return items.filter(holds);
    case 'map':
      return items.map((item, index) => test(item, index));
    case 'find':
      return items.find(holds) ?? null;
    case 'findIndex':
      return indexOrNil(items.findIndex(holds));
    case 'findLast':
      return items.findLast(holds) ?? null;
    case 'findLastIndex':
      return indexOrNil(items.findLastIndex(holds));
    case 'count':
      return BigInt(items.filter(holds).length);
    case 'sum':
      return sum(items, test);
    case 'groupBy':
      return groupBy(items, test);
    default:
      throw new OperatorError(`unknown builtin ${name}`);
  }
}

function sum(items: readonly Value[], test: Test): Value {
  const values = items.map((item, index) => test(item, index));
  const start: Value = values[0] instanceof Duration ? new Duration(0n) : 0n;
  return values.reduce<Value>((total, value) => applyBinary('+', total, value), start);
}

function indexOrNil(index: number): Value {
  return index < 0 ? null : BigInt(index);
}

function groupBy(items: readonly Value[], test: Test): Value {
  const groups = new Map<Value, Value[]>();
  for (const [index, item] of items.entries()) {
    const key = test(item, index);
    if (isList(key) || isMap(key) || key instanceof Uint8Array)
      throw new OperatorError(`runtime error: hash of unhashable type ${typeName(key)}`);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function reduce(items: readonly Value[], test: Test, initial: Value | undefined): Value {
  const [first, ...rest] = items;
  if (initial === undefined && first === undefined)
    throw new OperatorError('reduce of empty array with no initial value');
  if (initial === undefined)
    return rest.reduce<Value>((total, item, index) => test(item, index + 1, total), first ?? null);
  return items.reduce<Value>((total, item, index) => test(item, index, total), initial);
}

function sortBy(items: readonly Value[], test: Test, order: Value): Value {
  if (order !== 'asc' && order !== 'desc') throw new OperatorError('invalid order argument (expected "asc" or "desc")');
  const keyed = items.map((item, index) => ({ item, key: test(item, index) }));
  keyed.sort((a, b) => sortOrder(a.key, b.key, order));
  return keyed.map(({ item }) => item);
}

/** Order of two sort keys; throws {@link OperatorError} where there is none. */
export function sortOrder(a: Value, b: Value, order: Value): number {
  const found = orderOf(a, b);
  if (found === undefined) throw new OperatorError(`cannot compare ${typeName(a)} and ${typeName(b)}`);
  return order === 'desc' ? -found : found;
}
