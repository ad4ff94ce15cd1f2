import type { Json } from '@sluice/model';
import { expectJson, type Outcome } from '../suite.ts';
import {
  builtinType,
  createThreeWayPatch,
  createTwoWayPatch,
  type FieldSchema,
  strategicMergePatch,
  type TypeSchema,
} from './subject.ts';
import { expectFailure, type Player, unknownCase } from './vector.ts';

type SmpField = {
  readonly type: string;
  readonly list?: boolean;
  readonly patchStrategy?: FieldSchema['patchStrategy'];
  readonly patchMergeKey?: string;
};
type SmpSchemas = Readonly<Record<string, Readonly<Record<string, SmpField>>>>;

/** Strategic merge: applying patches and making them. */
export const playSmp: Player = (vector, shared): Outcome => {
  const schema =
    typeof vector['schema'] === 'string'
      ? smpType(shared.smp as SmpSchemas, vector['schema'])
      : kindType(String(vector['type']));
  const [original, modified, current, patch] = ['original', 'modified', 'current', 'patch'].map(
    (name) => vector[name] as Json,
  );
  const make = actionOf(vector.kind, {
    schema,
    original,
    modified,
    current,
    patch,
    overwrite: vector['overwrite'] === true,
  });
  if (!make) return unknownCase(vector);
  if (vector['error'] === true || vector['conflict'] === true) return expectFailure(make);
  return expectJson(make(), vector.kind === 'apply' || vector.kind === 'smp' ? vector['result'] : patch);
};

type Inputs = {
  readonly schema: TypeSchema | undefined;
  readonly original: Json | undefined;
  readonly modified: Json | undefined;
  readonly current: Json | undefined;
  readonly patch: Json | undefined;
  readonly overwrite: boolean;
};

function actionOf(kind: string, inputs: Inputs): (() => unknown) | undefined {
  const { schema, original = {}, modified = {}, current = {}, patch = {}, overwrite } = inputs;
  if (kind === 'apply' || kind === 'smp') return () => strategicMergePatch(schema, original, patch);
  if (kind === 'createTwoWay') return () => createTwoWayPatch(schema, original, modified);
  if (kind !== 'createThreeWay') return undefined;
  return () => createThreeWayPatch({ schema, original, modified, current, overwrite });
}

function kindType(name: string): TypeSchema | undefined {
  const slash = name.lastIndexOf('/');
  return builtinType(name.slice(0, slash), name.slice(slash + 1));
}

const made = new WeakMap<object, Map<string, TypeSchema>>();

function smpType(schemas: SmpSchemas, name: string): TypeSchema {
  const known = made.get(schemas) ?? new Map<string, TypeSchema>();
  made.set(schemas, known);
  const found = known.get(name);
  if (found) return found;
  const fields = new Map<string, FieldSchema>();
  const type: TypeSchema = { type: 'object', name, fields };
  known.set(name, type);
  const scalars = ['name', 'value', 'other'];
  for (const scalar of scalars)
    fields.set(scalar, { name: scalar, type: { type: 'any', preserveUnknownFields: true } });
  for (const [key, field] of Object.entries(schemas[name] ?? {})) {
    const inner: TypeSchema = schemas[field.type]
      ? smpType(schemas, field.type)
      : field.type === 'int'
        ? { type: 'integer' }
        : { type: 'object' };
    fields.set(key, {
      name: key,
      type: field.list ? { type: 'list', items: inner } : { ...inner, items: inner },
      ...(field.patchStrategy ? { patchStrategy: field.patchStrategy } : {}),
      ...(field.patchMergeKey ? { patchMergeKey: field.patchMergeKey } : {}),
    });
  }
  return type;
}
