import type { Json, KubeObject } from '@sluice/model';
import { expectJson, type Outcome } from '../suite.ts';
import {
  applyDefaults,
  builtinKinds,
  coerceMetadata,
  validateObject,
  validateStructural,
  CelRules,
  type Cause,
  defaultValue,
  dropNulls,
  pruneValue,
  rootTypeOf as rootType,
  typeOfOpenApi,
  validateEmbedded,
  validateLists,
  validateOpenApi,
} from './subject.ts';
import { type Player, unknownCase, type Vector } from './vector.ts';

/** Custom resource schemas. */
export const playCrd: Player = (vector): Outcome => {
  const schema = vector['schema'];
  const object = (vector['object'] ?? null) as Json;
  const type = typeOfOpenApi(schema);
  switch (vector.kind) {
    case 'prune': {
      const { value, removed } = pruneValue(object, type, vector['isResourceRoot'] === true);
      return expectJson(
        { result: value, pruned: removed.toSorted() },
        { result: vector['result'], pruned: (vector['pruned'] as string[]).toSorted() },
      );
    }
    case 'default':
      return expectJson(defaultValue(object, type), vector['result']);
    case 'dropNulls':
      return expectJson(dropNulls(object, type), vector['result']);
    case 'validateMetadata':
      return samePaths(validateEmbedded(object, type, '', vector['includeRoot'] === true), vector);
    case 'validateEmbedded':
      return samePaths(validateEmbedded(object, type), vector);
    case 'validateLists':
      return samePaths(validateLists((schema ?? {}) as Readonly<Record<string, unknown>>, object, 'root'), vector);
    case 'coerceMetadata':
      return playCoerce(vector, object);
    case 'structural':
      return sameFields(validateStructural(schema as Readonly<Record<string, unknown>>), vector);
    case 'crdDefinition':
      return playDefinition(vector);
    case 'rule':
      return playRule(vector, object);
    case 'object':
    case 'ratchet':
      return playRules(vector, object);
    case 'validate':
      return playValidate(vector, schema as Readonly<Record<string, unknown>>, object);
    default:
      return unknownCase(vector);
  }
};

function playCoerce(vector: Vector, object: Json): Outcome {
  const includeRoot = vector['includeRoot'] === true || vector['isResourceRoot'] === true;
  const dropInvalidFields = vector['dropInvalidFields'] === true;
  const { value, causes } = coerceMetadata(object, typeOfOpenApi(vector['schema']), { includeRoot, dropInvalidFields });
  if (vector['error'] === true) return expectJson(causes.length > 0, true);
  return causes.length > 0 ? expectJson(causes, vector['result']) : expectJson(value, vector['result']);
}

const definitionKind = builtinKinds.find(({ kind }) => kind === 'CustomResourceDefinition');

function playDefinition(vector: Vector): Outcome {
  if (!definitionKind) throw new Error('no kind CustomResourceDefinition');
  const crd = applyDefaults(definitionKind, vector['crd'] as KubeObject);
  const causes = validateObject(definitionKind, crd);
  return vector['error'] === true ? expectJson(causes.length > 0, true) : sameFields(causes, vector);
}

function sameFields(causes: readonly Cause[], vector: Vector): Outcome {
  const wanted = (vector['errors'] as readonly { readonly type: string; readonly field: string }[]).map(
    ({ type, field }) => `${type} ${field}`,
  );
  return expectJson(causes.map(({ reason, field }) => `${reason} ${field}`).toSorted(), wanted.toSorted());
}

const rules = new CelRules();

function celCauses(schema: unknown, vector: Vector, object: Json): readonly Cause[] {
  const old = vector['oldObject'] as Json | undefined;
  const type = vector['isRoot'] === true ? rootType(schema) : typeOfOpenApi(schema);
  return rules.validate(type, object, old);
}

function playRule(vector: Vector, object: Json): Outcome {
  const schema = vector['schema'] as Readonly<Record<string, unknown>>;
  const causes = celCauses({ ...schema, 'x-kubernetes-validations': [{ rule: vector['rule'] }] }, vector, object);
  return expectJson(
    { valid: causes.length === 0, causes: vector['valid'] === true ? causes : [] },
    { valid: vector['valid'], causes: [] },
  );
}

/** The schema with `optionalOldSelf` set in every rule. */
function withOptionalOldSelf(schema: unknown): unknown {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    key === 'x-kubernetes-validations' && Array.isArray(value)
      ? (value as readonly object[]).map((rule) => ({ ...rule, optionalOldSelf: true }))
      : value,
  );
  return JSON.parse(text) as unknown;
}

function playRules(vector: Vector, object: Json): Outcome {
  const schema = vector['optionalOldSelf'] === true ? withOptionalOldSelf(vector['schema']) : vector['schema'];
  const got = celCauses(schema, vector, object).map(({ field, message }) => `${field}: ${message}`);
  const wanted = (vector['errors'] as readonly string[]).map((text) => text.replace(/^root\.?/u, ''));
  const fits = got.length === wanted.length && wanted.every((text) => got.some((message) => message.includes(text)));
  return fits ? { result: 'passed' } : { result: 'failed', wanted: JSON.stringify(wanted), got: JSON.stringify(got) };
}

function samePaths(causes: readonly Cause[], vector: Vector): Outcome {
  const wanted = (vector['errors'] as readonly { readonly type: string; readonly path: string }[]).map(
    ({ type, path }) => `${type} ${path}`,
  );
  return expectJson(causes.map(({ reason, field }) => `${reason} ${field}`).toSorted(), wanted.toSorted());
}

function playValidate(vector: Vector, schema: Readonly<Record<string, unknown>>, object: Json): Outcome {
  const schemaCauses = [...validateOpenApi(schema, object), ...validateLists(schema, object)];
  const causes = schemaCauses.length > 0 ? schemaCauses : celCauses(schema, vector, object);
  const errors = vector['errors'] as readonly unknown[] | undefined;
  if (vector['anyError'] === true) return expectJson(causes.length > 0, true);
  if (errors?.every((error) => typeof error === 'string') && !vector.id.startsWith('crd-validate')) {
    return expectJson(causes.map(({ field, message }) => `${field}: ${message}`).toSorted(), errors.toSorted());
  }
  const wanted = (errors as readonly Cause[]).map(
    (error) => `${(error as unknown as { type: string }).type} ${error.field}`,
  );
  return expectJson(causes.map(({ reason, field }) => `${reason} ${field}`).toSorted(), wanted.toSorted());
}
