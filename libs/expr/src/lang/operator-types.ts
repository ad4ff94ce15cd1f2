import { isComparable, isNumeric, listType, type Type, types } from './types.ts';

type Kind = Type['kind'];

/** Each operator: pairs of kinds that it takes, with the type that comes of them, and the kinds that may meet an unknown. */
type Rule = {
  readonly pairs: readonly (readonly [Kind, Kind, Type])[];
  readonly open: readonly Kind[];
  readonly gives: Type;
};

const { bool, int, float, string, time, duration, unknown } = types;
const numbers: readonly (readonly [Kind, Kind, Type])[] = [
  ['int', 'int', int],
  ['int', 'float', float],
  ['float', 'int', float],
  ['float', 'float', float],
];
const toFloat = numbers.map(([a, b]) => [a, b, float] as const);
const numeric: readonly Kind[] = ['int', 'float'];
const ordered: readonly Kind[] = [...numeric, 'string', 'time', 'duration'];
const same = (kinds: readonly Kind[], gives: Type): [Kind, Kind, Type][] => kinds.map((kind) => [kind, kind, gives]);

const logic: Rule = { pairs: same(['bool'], bool), open: ['bool'], gives: bool };
const order: Rule = {
  pairs: [...numbers.map(([a, b]) => [a, b, bool] as const), ...same(['string', 'time', 'duration'], bool)],
  open: ordered,
  gives: bool,
};
const text: Rule = { pairs: same(['string'], bool), open: ['string'], gives: bool };
const power: Rule = { pairs: toFloat, open: numeric, gives: float };

const rules: Readonly<Record<string, Rule>> = {
  or: logic,
  '||': logic,
  and: logic,
  '&&': logic,
  '<': order,
  '>': order,
  '<=': order,
  '>=': order,
  matches: text,
  contains: text,
  startsWith: text,
  endsWith: text,
  '**': power,
  '^': power,
  '/': power,
  '%': { pairs: same(['int'], int), open: ['int'], gives: int },
  '..': { pairs: same(['int'], listType(int)), open: ['int'], gives: listType(int) },
  '-': {
    pairs: [...numbers, ['time', 'time', duration], ['time', 'duration', time], ['duration', 'duration', duration]],
    open: [...numeric, 'time', 'duration'],
    gives: unknown,
  },
  '*': {
    pairs: [
      ...numbers,
      ['int', 'duration', duration],
      ['float', 'duration', duration],
      ['duration', 'int', duration],
      ['duration', 'float', duration],
      ['duration', 'duration', duration],
    ],
    open: [...numeric, 'duration'],
    gives: unknown,
  },
  '+': {
    pairs: [
      ...numbers,
      ['string', 'string', string],
      ['time', 'duration', time],
      ['duration', 'time', time],
      ['duration', 'duration', duration],
    ],
    open: ordered,
    gives: unknown,
  },
};

/** The type that an operator gives for its operands; undefined where it does not take them. */
export function binaryType(operator: string, left: Type, right: Type): Type | undefined {
  if (operator === '==' || operator === '!=') return isComparable(left, right) ? bool : undefined;
  if (operator === 'in') return membership(left, right);
  const rule = rules[operator];
  if (!rule) return undefined;
  const pair = rule.pairs.find(([a, b]) => a === left.kind && b === right.kind);
  if (pair) return pair[2];
  const open = (a: Type, b: Type): boolean =>
    a.kind === 'unknown' && (b.kind === 'unknown' || rule.open.includes(b.kind));
  return open(left, right) || open(right, left) ? rule.gives : undefined;
}

function membership(left: Type, right: Type): Type | undefined {
  if (right.kind === 'unknown' || right.kind === 'nil') return bool;
  if (right.kind === 'map') return left.kind === 'unknown' || left.kind === 'string' ? bool : undefined;
  if (right.kind === 'list') return isComparable(left, right.item ?? unknown) ? bool : undefined;
  return left.kind === 'unknown' && right.kind === 'string' ? bool : undefined;
}

/** The type that a unary operator gives; undefined where it does not take the operand. */
export function unaryType(operator: string, operand: Type): Type | undefined {
  if (operand.kind === 'unknown') return operator === '!' || operator === 'not' ? bool : unknown;
  if (operator === '!' || operator === 'not') return operand.kind === 'bool' ? bool : undefined;
  return isNumeric(operand) ? operand : undefined;
}
