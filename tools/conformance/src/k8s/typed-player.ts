import type { Json } from '@sluice/model';
import { expectJson, type Outcome, passed } from '../suite.ts';
import { smdType } from './smd-type.ts';
import { deducedType, sets, typed, validateTyped } from './subject.ts';
import { expectFailure, type Player, type Shared, unknownCase, type Vector } from './vector.ts';

type Paths = readonly (readonly string[])[];

/** Typed values: field sets, merging, comparing, removing. */
export const playTyped: Player = (vector, shared): Outcome => {
  const type = typeOf(vector, shared);
  const [object, lhs, rhs] = ['object', 'lhs', 'rhs'].map((name) => (vector[name] ?? null) as Json);
  switch (vector.kind) {
    case 'toFieldSet':
      return sameSet(typed.fieldSetOf(type, object ?? null), vector['paths'] as Paths);
    case 'merge':
      return expectJson(typed.mergeValues(type, lhs, rhs) ?? null, vector['result']);
    case 'compare': {
      const compared = typed.compareValues(type, lhs, rhs);
      const outcomes = (['removed', 'modified', 'added'] as const).map((name) =>
        sameSet(compared[name], vector[name] as Paths),
      );
      return outcomes.find((outcome) => outcome.result !== 'passed') ?? passed;
    }
    case 'removeAndExtract': {
      const set = sets.setOf(vector['paths'] as Paths);
      const removed =
        'removed' in vector ? expectJson(typed.removeItems(type, object ?? null, set), vector['removed']) : passed;
      if (removed.result !== 'passed' || !('extracted' in vector)) return removed;
      return expectJson(typed.extractItems(type, object ?? null, set), vector['extracted']);
    }
    case 'valid':
      validateTyped(type, object ?? null, false);
      return passed;
    case 'invalid':
      return expectFailure(() => {
        validateTyped(type, object ?? null, false);
        return object;
      });
    case 'duplicates':
      validateTyped(type, object ?? null, true);
      return expectFailure(() => {
        validateTyped(type, object ?? null, false);
        return object;
      });
    default:
      return unknownCase(vector);
  }
};

function typeOf(vector: Vector, shared: Shared) {
  if (vector['schema'] === 'deduced') return deducedType;
  return smdType((shared.ssa as Readonly<Record<string, unknown>>)[String(vector['schema'])], String(vector['type']));
}

function sameSet(got: sets.FieldSet, wanted: Paths): Outcome {
  return expectJson(sets.toFieldsV1(got), sets.toFieldsV1(sets.setOf(wanted)));
}
