import { RE2JS } from 're2js';
import { fromNanos, nanosOf } from '../builtins/nanos.ts';
import { Duration, Instant, isEqual, isList, isMap, isNumber, NamedInt, typeName, type Value } from '../value.ts';
import { goPower } from './go-power.ts';

/** A refusal of an operator; the evaluator adds the place. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
}

function refuse(operator: string, left: Value, right: Value): never {
  throw new OperatorError(`invalid operation: ${typeName(left)} ${operator} ${typeName(right)}`);
}

/** Go's int wraps around at 64 bits. */
export function toInt64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** Apply an operator that needs both of its operands. Throws {@link OperatorError}. */
export function applyBinary(operator: string, first: Value, second: Value): Value {
  const [left, right] = [withoutName(first), withoutName(second)];
  switch (operator) {
    case '==':
      return isEqual(left, right);
    case '!=':
      return !isEqual(left, right);
    case '<':
    case '>':
    case '<=':
    case '>=':
      return compare(operator, left, right);
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(operator, left, right);
    case '**':
    case '^':
      return goPower(toFloat(left), toFloat(right));
    case 'in':
      return isIn(left, right);
    case 'matches':
      return matchesPattern(left, right);
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return textTest(operator, left, right);
    default:
      throw new OperatorError(`unknown operator (${operator})`);
  }
}

function withoutName(value: Value): Value {
  return value instanceof NamedInt ? value.value : value;
}

function compare(operator: string, left: Value, right: Value): boolean {
  const order = orderOf(left, right);
  if (order === undefined) return refuse(operator, left, right);
  if (operator === '<') return order < 0;
  if (operator === '>') return order > 0;
  if (operator === '<=') return order <= 0;
  return order >= 0;
}

/** Negative, zero or positive; NaN where a NaN takes part; undefined for values without an order. */
export function orderOf(left: Value, right: Value): number | undefined {
  if (isNumber(left) && isNumber(right)) {
    if (left < right) return -1;
    if (left > right) return 1;
    return Number.isNaN(Number(left)) || Number.isNaN(Number(right)) ? Number.NaN : 0;
  }
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  if (left instanceof Duration && right instanceof Duration) return Number(left.nanoseconds - right.nanoseconds);
  if (left instanceof Instant && right instanceof Instant) return Number(nanosOf(left) - nanosOf(right));
  return undefined;
}

function arithmetic(operator: string, left: Value, right: Value): Value {
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') return left + right;
  if (typeof left === 'bigint' && typeof right === 'bigint') return integers(operator, left, right);
  if (isNumber(left) && isNumber(right) && operator !== '%') return floats(operator, Number(left), Number(right));
  return timeArithmetic(operator, left, right);
}

function integers(operator: string, left: bigint, right: bigint): Value {
  if (operator === '+') return toInt64(left + right);
  if (operator === '-') return toInt64(left - right);
  if (operator === '*') return toInt64(left * right);
  if (operator === '/') return Number(left) / Number(right);
  if (right === 0n) throw new OperatorError('runtime error: integer divide by zero');
  return left % right;
}

function floats(operator: string, left: number, right: number): number {
  if (operator === '+') return left + right;
  if (operator === '-') return left - right;
  return operator === '*' ? left * right : left / right;
}

function timeArithmetic(operator: string, left: Value, right: Value): Value {
  if (left instanceof Instant) return instantArithmetic(operator, left, right);
  if (left instanceof Duration && right instanceof Instant && operator === '+')
    return instantArithmetic('+', right, left);
  if (left instanceof Duration && right instanceof Duration) return durationArithmetic(operator, left, right);
  if (operator === '*' && left instanceof Duration && isNumber(right)) return scale(left, right);
  if (operator === '*' && right instanceof Duration && isNumber(left)) return scale(right, left);
  return refuse(operator, left, right);
}

function instantArithmetic(operator: string, left: Instant, right: Value): Value {
  if (right instanceof Instant && operator === '-') return new Duration(nanosOf(left) - nanosOf(right));
  if (!(right instanceof Duration) || (operator !== '+' && operator !== '-')) return refuse(operator, left, right);
  const shift = operator === '+' ? right.nanoseconds : -right.nanoseconds;
  return fromNanos(nanosOf(left) + shift, left.zone);
}

function durationArithmetic(operator: string, left: Duration, right: Duration): Value {
  if (operator === '+') return new Duration(left.nanoseconds + right.nanoseconds);
  if (operator === '-') return new Duration(left.nanoseconds - right.nanoseconds);
  if (operator === '/') return Number(left.nanoseconds) / Number(right.nanoseconds);
  return refuse(operator, left, right);
}

function scale(duration: Duration, factor: bigint | number): Value {
  if (typeof factor === 'bigint') return new Duration(duration.nanoseconds * factor);
  return Number(duration.nanoseconds) * factor;
}

/** A number as a float. */
export function toFloat(value: Value): number {
  if (isNumber(value)) return Number(value);
  throw new OperatorError(`invalid operation: float(${typeName(value)})`);
}

/** Membership: an item of a list, a key of a map; nothing is in nil. */
export function isIn(needle: Value, haystack: Value): boolean {
  if (haystack === null) return false;
  if (isList(haystack)) return haystack.some((item) => isEqual(item, needle));
  if (isMap(haystack)) return haystack.has(needle);
  throw new OperatorError(`operator "in" not defined on ${typeName(haystack)}`);
}

const patterns = new Map<string, RE2JS>();

/** A compiled RE2 pattern, linear in its input. Throws {@link OperatorError} for a pattern that is none. */
export function compilePattern(pattern: string): RE2JS {
  const known = patterns.get(pattern);
  if (known) return known;
  try {
    const compiled = RE2JS.compile(pattern);
    if (patterns.size >= 256) patterns.clear();
    patterns.set(pattern, compiled);
    return compiled;
  } catch (error) {
    throw new OperatorError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function matchesPattern(left: Value, right: Value): boolean {
  if (left === null || right === null) return false;
  if (typeof left !== 'string')
    throw new OperatorError(`interface conversion: interface {} is ${typeName(left)}, not string`);
  if (typeof right !== 'string')
    throw new OperatorError(`interface conversion: interface {} is ${typeName(right)}, not string`);
  return compilePattern(right).matcher(left).find();
}

function textTest(operator: string, left: Value, right: Value): boolean {
  if (left === null || right === null) return false;
  if (typeof left !== 'string')
    throw new OperatorError(`interface conversion: interface {} is ${typeName(left)}, not string`);
  if (typeof right !== 'string')
    throw new OperatorError(`interface conversion: interface {} is ${typeName(right)}, not string`);
  if (operator === 'contains') return left.includes(right);
  return operator === 'startsWith' ? left.startsWith(right) : left.endsWith(right);
}

/** A condition must be a bool. */
export function toBool(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw new OperatorError(
    `interface conversion: interface {} is ${value === null ? 'nil' : typeName(value)}, not bool`,
  );
}
