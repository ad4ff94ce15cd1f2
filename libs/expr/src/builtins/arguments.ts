import { OperatorError } from '../lang/operators.ts';
import { isList, isMap, isNumber, typeName, type Value, type ValueMap } from '../value.ts';

function wrong(name: string, value: Value | undefined): never {
  throw new OperatorError(`invalid argument for ${name} (type ${typeName(value ?? null)})`);
}

/** The argument as a string. */
export function textOf(name: string, value: Value | undefined): string {
  return typeof value === 'string' ? value : wrong(name, value);
}

/** The argument as a list. */
export function listOf(name: string, value: Value | undefined): readonly Value[] {
  return isList(value) ? value : wrong(name, value);
}

/** The argument as a map. */
export function mapOf(name: string, value: Value | undefined): ValueMap {
  return isMap(value) ? value : wrong(name, value);
}

/** The argument as a number, int or float. */
export function numberOf(name: string, value: Value | undefined): bigint | number {
  return isNumber(value) ? value : wrong(name, value);
}

/** The argument as a whole number. */
export function intOf(name: string, value: Value | undefined): bigint {
  return typeof value === 'bigint' ? value : wrong(name, value);
}
