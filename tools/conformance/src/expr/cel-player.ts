import {
  CelCompileError,
  CelCostError,
  CelError,
  celListOf,
  celMapOf,
  celMeter,
  celOptionalOf,
  CelOptional,
  type CelType,
  celTypes,
  CelTypeValue,
  CelUint,
  compileCel,
  describeCelType,
  isSameCel,
} from '@sluice/expr';
import type { Outcome } from '../suite.ts';

type JsonRecord = Readonly<Record<string, unknown>>;

/** One line of `cel.jsonl`: a SimpleTest of cel-spec as protobuf JSON. */
export type CelVector = {
  readonly id: string;
  readonly expr: string;
  readonly container?: string;
  readonly typeEnv?: readonly { readonly name: string; readonly ident?: { readonly type: JsonRecord } }[];
  readonly bindings?: Readonly<Record<string, { readonly value?: JsonRecord }>>;
  readonly value?: JsonRecord;
  readonly evalError?: unknown;
  readonly typedResult?: { readonly result?: JsonRecord };
  readonly checkOnly?: boolean;
  readonly disableCheck?: boolean;
  readonly type?: string;
  readonly checkError?: string;
};

/** The case needs what this CEL does not have, and says so. */
class Unsupported extends Error {}

/** Compile, check and run one case as cel-spec means it. */
export function judgeCel(vector: CelVector): Outcome {
  try {
    return play(vector);
  } catch (error) {
    if (error instanceof Unsupported) return { result: 'skipped', reason: error.message };
    throw error;
  }
}

function play(vector: CelVector): Outcome {
  const wanted = vector.value ?? vector.typedResult?.result;
  if (needsMessages(vector)) throw new Unsupported('protobuf messages are no values of this CEL: rules see JSON');
  if ((vector.typeEnv ?? []).some(({ ident }) => !ident))
    throw new Unsupported('the case declares functions of its own');
  const variables = new Map((vector.typeEnv ?? []).map(({ name, ident }) => [name, typeOf(ident?.type ?? {})]));
  for (const name of Object.keys(vector.bindings ?? {})) if (!variables.has(name)) variables.set(name, celTypes.dyn);
  const values = Object.fromEntries(
    Object.entries(vector.bindings ?? {}).map(([name, { value }]) => [name, valueOf(value ?? {})]),
  );
  return judge(vector, run(vector, variables, values), wanted);
}

function judge(vector: CelVector, got: Got, wanted: JsonRecord | undefined): Outcome {
  const shown = JSON.stringify(wanted ?? true);
  if (vector.evalError !== undefined) {
    return got.ok ? { result: 'failed', wanted: 'an error', got: show(got.value) } : { result: 'passed' };
  }
  if (!got.ok) return { result: 'failed', wanted: shown, got: got.message };
  if (vector.type !== undefined && vector.disableCheck !== true && got.type !== vector.type) {
    return { result: 'failed', wanted: `type ${vector.type}`, got: `type ${got.type}` };
  }
  if (vector.checkOnly || isWanted(got.value, wanted === undefined ? true : valueOf(wanted)))
    return { result: 'passed' };
  return { result: 'failed', wanted: shown, got: show(got.value) };
}

type Got =
  | { readonly ok: true; readonly value: unknown; readonly type: string }
  | { readonly ok: false; readonly message: string };

function run(vector: CelVector, variables: ReadonlyMap<string, CelType>, values: JsonRecord): Got {
  try {
    const program = compileCel(vector.expr, variables, {
      dialect: 'standard',
      container: vector.container ?? '',
      unchecked: vector.disableCheck ?? false,
    });
    const type = describeCelType(program.type);
    if (vector.checkOnly) return { ok: true, value: undefined, type };
    return { ok: true, type, value: program.run(values, celMeter(1_000_000)) };
  } catch (error) {
    if (error instanceof CelCompileError || error instanceof CelError || error instanceof CelCostError)
      return { ok: false, message: error.message };
    throw error;
  }
}

const messageWords =
  /TestAllTypes|GlobalEnum|NestedEnum|google\.protobuf\.(?!Timestamp|Duration)|Value\{|\bproto\.(has|get)Ext/u;

function needsMessages({ expr, typeEnv = [], bindings = {}, value, typedResult, container = '' }: CelVector): boolean {
  if (container.startsWith('google.protobuf') || container.startsWith('cel.expr.conformance')) return true;
  const data = JSON.stringify([typeEnv, bindings, value, typedResult]);
  return messageWords.test(expr) || /messageType|"@type"|enumValue|"wrapper"/u.test(data);
}

const primitives: Readonly<Record<string, CelType>> = {
  BOOL: celTypes.bool,
  INT64: celTypes.int,
  UINT64: celTypes.uint,
  DOUBLE: celTypes.double,
  STRING: celTypes.string,
  BYTES: celTypes.bytes,
};

function typeOf(type: JsonRecord): CelType {
  const inner = (key: string, field: string): CelType => typeOf((type[key] as Record<string, JsonRecord>)[field] ?? {});
  if (typeof type['primitive'] === 'string') return primitives[type['primitive']] ?? celTypes.dyn;
  if ('listType' in type) return celListOf(inner('listType', 'elemType'));
  if ('mapType' in type) return celMapOf(inner('mapType', 'keyType'), inner('mapType', 'valueType'));
  if ('dyn' in type) return celTypes.dyn;
  if ('null' in type) return celTypes.null;
  if (type['wellKnown'] === 'TIMESTAMP') return celTypes.timestamp;
  if (type['wellKnown'] === 'DURATION') return celTypes.duration;
  const named = type['abstractType'] as { name: string; parameterTypes?: JsonRecord[] } | undefined;
  if (named?.name === 'optional_type') return celOptionalOf(typeOf(named.parameterTypes?.[0] ?? {}));
  if (Object.keys(type).length === 0) return celTypes.dyn;
  throw new Unsupported(`the type ${JSON.stringify(type)} is not known here`);
}

function valueOf(value: JsonRecord): unknown {
  const [kind = '', held] = Object.entries(value)[0] ?? [];
  switch (kind) {
    case 'int64Value':
      return BigInt(String(held));
    case 'uint64Value':
      return new CelUint(BigInt(String(held)));
    case 'doubleValue':
      return typeof held === 'number' ? held : Number(String(held));
    case 'bytesValue':
      return Uint8Array.from(Buffer.from(String(held), 'base64'));
    case 'listValue':
      return ((held as { values?: JsonRecord[] }).values ?? []).map(valueOf);
    case 'mapValue':
      return new Map(
        ((held as { entries?: { key: JsonRecord; value: JsonRecord }[] }).entries ?? []).map((entry) => {
          const key = valueOf(entry.key);
          return [key instanceof CelUint ? key.value : key, valueOf(entry.value)];
        }),
      );
    case 'typeValue':
      return new CelTypeValue(String(held));
    case 'stringValue':
    case 'boolValue':
    case 'nullValue':
      return held;
    default:
      throw new Unsupported(`a value of kind ${kind} is not known here`);
  }
}

/** Equality as the conformance runner has it: types count, NaN is NaN. */
function isWanted(got: unknown, wanted: unknown): boolean {
  if (typeof wanted === 'number') return got === wanted || (Number.isNaN(got) && Number.isNaN(wanted));
  if (Array.isArray(wanted))
    return Array.isArray(got) && got.length === wanted.length && wanted.every((item, at) => isWanted(got[at], item));
  if (wanted instanceof Map) {
    return (
      got instanceof Map && got.size === wanted.size && [...wanted].every(([key, item]) => isWanted(got.get(key), item))
    );
  }
  if (wanted instanceof CelUint) return got instanceof CelUint && got.value === wanted.value;
  return typeof got === typeof wanted && isSameCel(got, wanted);
}

function show(value: unknown): string {
  return (
    JSON.stringify(value, (_, item: unknown) => {
      if (typeof item === 'bigint') return `${item}n`;
      if (item instanceof Map) return [...(item as ReadonlyMap<unknown, unknown>)];
      return item instanceof CelOptional ? { optional: item.value } : item;
    }) ?? 'nothing'
  );
}
