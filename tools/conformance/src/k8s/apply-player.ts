import type { Json } from '@sluice/model';
import { expectJson, type Outcome, passed } from '../suite.ts';
import { smdType } from './smd-type.ts';
import {
  builtinTypes,
  deducedType,
  managers as owned,
  reconcileWithSchema,
  sets,
  type TypeSchema,
  typed,
} from './subject.ts';
import type { Player, Shared, Vector } from './vector.ts';

type Op = {
  readonly op: 'apply' | 'forceApply' | 'update' | 'extractApply' | 'changeSchema';
  readonly manager: string;
  readonly apiVersion: string;
  readonly object: Json;
  readonly schema?: string;
  readonly conflicts?: readonly {
    readonly manager: string;
    readonly path?: readonly string[];
    readonly field?: string;
  }[];
};

type Expected = {
  readonly object?: Json;
  readonly error?: boolean;
  readonly managed?: Readonly<
    Record<string, { readonly apiVersion: string; readonly applied?: boolean; readonly fieldsV1: Json }>
  >;
};

type State = { readonly live: Json; readonly managers: owned.Managers };

/** Server-side apply: operations one after the other. */
export const playApply: Player = (vector, shared): Outcome => {
  const expected = (vector['expect'] ?? {}) as Expected;
  let state: State = { live: {}, managers: new Map() };
  let schema = String(vector['schema']);
  for (const op of vector['ops'] as readonly Op[]) {
    if (op.op === 'changeSchema') {
      schema = op.schema ?? schema;
      continue;
    }
    try {
      const next = perform(state, op, typeOf(vector, op, shared, schema), vector);
      if ('outcome' in next) return next.outcome;
      state = next;
    } catch (error) {
      if (expected.error === true) return passed;
      throw error;
    }
  }
  if (expected.error === true) return { result: 'failed', wanted: 'an error', got: JSON.stringify(state.live) };
  return compare(state, expected);
};

function typeOf(vector: Vector, op: Op, shared: Shared, schema: string): TypeSchema {
  if (schema === 'deduced') return deducedType;
  if (schema === 'builtin') return builtinTypes.get(String(vector['type'])) ?? deducedType;
  const schemas = shared.ssa as Readonly<Record<string, unknown>>;
  return smdType(schemas[schema], typeof vector['type'] === 'string' ? vector['type'] : op.apiVersion);
}

function perform(state: State, op: Op, type: TypeSchema, vector: Vector): State | { readonly outcome: Outcome } {
  const ignoredPaths = (vector['ignoredFields'] ?? {}) as Readonly<Record<string, readonly (readonly string[])[]>>;
  const write = {
    type,
    live: state.live,
    object: op.object,
    apiVersion: op.apiVersion,
    managers: reconcileWithSchema(type, state.live, state.managers),
    manager: op.manager,
    ignored: sets.setOf(ignoredPaths[op.apiVersion] ?? []),
  };
  if (op.op === 'update') return { live: op.object, managers: owned.updateManagers(write) };
  const object = op.op === 'extractApply' ? extracted(state, op, type) : op.object;
  const result = owned.applyManaged({ ...write, object, force: op.op === 'forceApply' });
  if ('conflicts' in result) {
    const got = [...result.conflicts].flatMap(([manager, set]) =>
      sets.pathsOf(set).map((path) => `${manager} ${path.join(' ')}`),
    );
    const wanted = (op.conflicts ?? []).map(({ manager, path = [] }) => `${manager} ${path.join(' ')}`);
    const outcome = expectJson(got.toSorted(), wanted.toSorted());
    return outcome.result === 'passed' ? state : { outcome };
  }
  if (op.conflicts) return { outcome: expectJson('no conflicts', op.conflicts) };
  return { live: result.object, managers: result.managers };
}

function extracted(state: State, op: Op, type: TypeSchema): Json {
  const last = state.managers.get(op.manager);
  const own = last ? typed.extractItems(type, state.live, sets.leavesOf(last.set)) : null;
  return typed.mergeValues(type, own ?? undefined, op.object) ?? null;
}

function compare(state: State, expected: Expected): Outcome {
  if ('object' in expected) {
    const outcome = expectJson(empty(state.live), empty(expected.object ?? null));
    if (outcome.result !== 'passed') return outcome;
  }
  if (!expected.managed) return passed;
  const got = Object.fromEntries(
    [...state.managers].map(([name, { apiVersion, set, applied }]) => [
      name,
      { apiVersion, applied, fieldsV1: sets.toFieldsV1(set) },
    ]),
  );
  const wanted = Object.fromEntries(
    Object.entries(expected.managed).map(([name, { apiVersion, applied, fieldsV1 }]) => [
      name,
      { apiVersion, applied: applied ?? got[name]?.applied ?? false, fieldsV1 },
    ]),
  );
  return expectJson(got, wanted);
}

/** An object without fields and no object at all are one. */
function empty(value: Json): Json {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0) ? null : value;
}
