import type { Constant, Node } from './ast.ts';
import { CelCompileError, CelCostError, CelError, type Meter } from './cel-error.ts';
import type { CelType } from './cel-type.ts';
import { type Checked, dottedName, isTypeName } from './check.ts';
import { type Evaluation, macroOf, type Variables } from './macro.ts';
import type { Overload } from './signature.ts';
import {
  CelObject,
  CelOptional,
  CelTypeValue,
  CelUint,
  isSame,
  lookUpKey,
  mapKey,
  typeNameOf,
  weigh,
} from './value.ts';

/** Turns a checked expression into something that runs. */
export function compileNode(node: Node, checked: Checked): Evaluation {
  const compile = (inner: Node): Evaluation => compileNode(inner, checked);
  switch (node.op) {
    case 'constant':
      return constantOf(node.value);
    case 'name':
      return namedBy(node, node.name, checked);
    case 'select': {
      const dotted = dottedName(node);
      const isName = dotted !== undefined && (checked.names.has(node) || isTypeName(dotted));
      return isName ? namedBy(node, dotted, checked) : selectOf(node, compile);
    }
    case 'has':
      return hasOf(node.select, compile);
    case 'index':
      return indexOf(node, compile);
    case 'call':
      return callOf(node, checked, compile);
    case 'list':
      return listOf(node, compile);
    case 'map':
      return mapOf(node, compile);
    case 'bind': {
      const [value, body] = [compile(node.value), compile(node.body)];
      return (variables, meter) => body({ name: node.name, value: value(variables, meter), parent: variables }, meter);
    }
    case 'macro':
      return macroOf(node, compile);
  }
}

function constantOf(value: Constant): Evaluation {
  const made =
    typeof value === 'object' && value !== null && !(value instanceof Uint8Array) ? new CelUint(value.uint) : value;
  return () => made;
}

function namedBy(node: Node, text: string, checked: Checked): Evaluation {
  const name = checked.names.get(node);
  if (name === undefined && isTypeName(text)) {
    const type = new CelTypeValue(text);
    return () => type;
  }
  return (variables, meter) => {
    meter.spend(1);
    for (let scope: Variables | undefined = variables; scope; scope = scope.parent) {
      if (scope.name === name) {
        if (scope.value === undefined) throw new CelError(`no such attribute: ${name}`);
        return scope.value;
      }
    }
    throw new CelError(`undeclared reference to '${text}'`);
  };
}

type Compile = (node: Node) => Evaluation;

function selectOf(node: Node & { readonly op: 'select' }, compile: Compile): Evaluation {
  const of = compile(node.of);
  return (variables, meter) => {
    const target = of(variables, meter);
    meter.spend(1);
    if (target instanceof CelOptional) {
      return target.isPresent ? optional(fieldOf(target.value, node.field)) : target;
    }
    const value = fieldOf(target, node.field);
    if (node.isOptional) return optional(value);
    if (value === undefined) throw new CelError(`no such key: ${node.field}`);
    return value;
  };
}

function optional(value: unknown): CelOptional {
  return value instanceof CelOptional ? value : new CelOptional(value);
}

function fieldOf(target: unknown, field: string): unknown {
  if (target instanceof CelObject) return target.get(field);
  if (target instanceof Map) return (target as ReadonlyMap<unknown, unknown>).get(field);
  throw new CelError(`no such overload: ${typeNameOf(target)}.${field}`);
}

function hasOf(select: Node & { readonly op: 'select' }, compile: Compile): Evaluation {
  const of = compile(select.of);
  return (variables, meter) => {
    const target = of(variables, meter);
    meter.spend(1);
    const inner = target instanceof CelOptional ? target.value : target;
    return inner === undefined ? false : fieldOf(inner, select.field) !== undefined;
  };
}

function indexOf(node: Node & { readonly op: 'index' }, compile: Compile): Evaluation {
  const [of, index] = [compile(node.of), compile(node.index)];
  return (variables, meter) => {
    const target = of(variables, meter);
    const at = index(variables, meter);
    meter.spend(1);
    if (target instanceof CelOptional) return target.isPresent ? optional(itemOf(target.value, at)) : target;
    const value = itemOf(target, at);
    if (node.isOptional) return optional(value);
    if (value !== undefined) return value;
    throw new CelError(
      Array.isArray(target) ? `index out of bounds: ${String(at)}` : `no such key: ${String(lookUpKey(at) ?? at)}`,
    );
  };
}

function itemOf(target: unknown, at: unknown): unknown {
  if (Array.isArray(target)) {
    const index = lookUpKey(at);
    if (typeof index !== 'bigint') throw new CelError(`unsupported index type '${typeNameOf(at)}' in list`);
    return index < 0n || index >= BigInt(target.length) ? undefined : (target[Number(index)] as unknown);
  }
  if (target instanceof Map) return (target as ReadonlyMap<unknown, unknown>).get(lookUpKey(at));
  throw new CelError(`no such overload: ${typeNameOf(target)}[${typeNameOf(at)}]`);
}

function listOf(node: Node & { readonly op: 'list' }, compile: Compile): Evaluation {
  const items = node.items.map(({ value, isOptional }) => ({ value: compile(value), isOptional }));
  return (variables, meter) => {
    meter.spend(10);
    const out: unknown[] = [];
    for (const { value, isOptional } of items) {
      const item = value(variables, meter);
      if (!isOptional) out.push(item);
      else if (requireOptional(item).isPresent) out.push(requireOptional(item).value);
    }
    return out;
  };
}

function requireOptional(value: unknown): CelOptional {
  if (value instanceof CelOptional) return value;
  throw new CelError(`cannot initialize optional entry from non-optional value of type ${typeNameOf(value)}`);
}

function mapOf(node: Node & { readonly op: 'map' }, compile: Compile): Evaluation {
  const entries = node.entries.map(({ key, value, isOptional }) => ({
    key: compile(key),
    value: compile(value),
    isOptional,
  }));
  return (variables, meter) => {
    meter.spend(30);
    const out = new Map<unknown, unknown>();
    for (const entry of entries) {
      const key = mapKey(entry.key(variables, meter));
      const value = entry.value(variables, meter);
      if (out.has(key)) throw new CelError(`failed with repeated key: ${String(key)}`);
      if (!entry.isOptional) out.set(key, value);
      else if (requireOptional(value).isPresent) out.set(key, requireOptional(value).value);
    }
    return out;
  };
}

function callOf(node: Node & { readonly op: 'call' }, checked: Checked, compile: Compile): Evaluation {
  const target = node.target && !checked.plainCalls.has(node) ? [compile(node.target)] : [];
  const args = [...target, ...node.args.map(compile)];
  const [first, second, third] = args;
  if (first && second && third && node.name === '_?_:_') return conditional(first, second, third);
  const own = first && second && specialCall(target.length === 1 ? `.${node.name}` : node.name, first, second);
  if (own) return own;
  const overloads = checked.overloads.get(node) ?? [];
  return (variables, meter) => {
    const given = args.map((arg) => arg(variables, meter));
    return dispatch(node.name, overloads, given, meter);
  };
}

/** Calls that do not always need the second operand, and equality, which has no overloads. */
function specialCall(name: string, first: Evaluation, second: Evaluation): Evaluation | undefined {
  switch (name) {
    case '_&&_':
      return logical(first, second, false);
    case '_||_':
      return logical(first, second, true);
    case '_==_':
      return (variables, meter) => isSame(first(variables, meter), second(variables, meter), meter);
    case '_!=_':
      return (variables, meter) => !isSame(first(variables, meter), second(variables, meter), meter);
    case '.or':
      return alternative(first, second, false);
    case '.orValue':
      return alternative(first, second, true);
    default:
      return undefined;
  }
}

function conditional(condition: Evaluation, yes: Evaluation, no: Evaluation): Evaluation {
  return (variables, meter) => {
    meter.spend(1);
    const chosen = condition(variables, meter);
    if (typeof chosen !== 'boolean') throw new CelError('no such overload');
    return chosen ? yes(variables, meter) : no(variables, meter);
  };
}

/** `||` and `&&`: an error of one side does not matter where the other side decides. */
function logical(left: Evaluation, right: Evaluation, deciding: boolean): Evaluation {
  return (variables, meter) => {
    meter.spend(1);
    const first = attempt(left, variables, meter);
    if (first === deciding) return deciding;
    const second = attempt(right, variables, meter);
    if (second === deciding) return deciding;
    for (const value of [first, second]) {
      if (value instanceof CelError) throw value;
      if (typeof value !== 'boolean') throw new CelError('no such overload');
    }
    return !deciding;
  };
}

function attempt(evaluation: Evaluation, variables: Variables | undefined, meter: Meter): unknown {
  try {
    return evaluation(variables, meter);
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}

function alternative(first: Evaluation, second: Evaluation, unwraps: boolean): Evaluation {
  return (variables, meter) => {
    const value = first(variables, meter);
    if (!(value instanceof CelOptional)) throw new CelError('no such overload');
    if (!value.isPresent) return second(variables, meter);
    return unwraps ? value.value : value;
  };
}

function dispatch(name: string, overloads: readonly Overload[], given: readonly unknown[], meter: Meter): unknown {
  const found = overloads.find(({ args }) => args.every((type, index) => fits(type, given[index])));
  if (!found) throw new CelError(`no such overload: ${name}(${given.map(typeNameOf).join(', ')})`);
  meter.spend(1);
  try {
    if (found.isMetered) return found.call(...([meter, ...given] as unknown as never[]));
    for (const value of given) if (typeof value === 'object' || typeof value === 'string') weigh(value, meter);
    const out = found.call(...(given as never[]));
    if (typeof out === 'string') meter.spend(out.length / 10);
    else if (Array.isArray(out)) meter.spend(out.length);
    return out;
  } catch (error) {
    if (error instanceof CelError || error instanceof CelCostError || error instanceof CelCompileError) throw error;
    throw new CelError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Whether a value may be what a type says, without looking at its parts. */
function fits(type: CelType, value: unknown): boolean {
  switch (type.kind) {
    case 'param':
      return true;
    case 'list':
      return Array.isArray(value);
    case 'map':
      return value instanceof Map;
    case 'optional':
      return value instanceof CelOptional;
    case 'type':
      return value instanceof CelTypeValue;
    case 'object':
      return value instanceof CelObject;
    case 'simple':
      return type.name === 'dyn' || type.name === typeNameOf(value);
  }
}
