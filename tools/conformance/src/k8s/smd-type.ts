import { deducedType, type FieldSchema, type TypeSchema } from './subject.ts';

type Ref = Atom & { readonly namedType?: string; readonly elementRelationship?: string };
type Atom = {
  readonly scalar?: 'numeric' | 'string' | 'boolean' | 'untyped';
  readonly map?: {
    readonly fields?: readonly {
      readonly name: string;
      readonly type: Ref;
      readonly default?: FieldSchema['default'];
    }[];
    readonly elementType?: Ref;
    readonly elementRelationship?: string;
  };
  readonly list?: {
    readonly elementType?: Ref;
    readonly elementRelationship?: string;
    readonly keys?: readonly string[];
  };
};
type SmdSchema = { readonly types?: readonly (Atom & { readonly name: string })[] };

type Draft = { -readonly [Key in keyof TypeSchema]: TypeSchema[Key] };

const scalarTypes = { numeric: 'number', string: 'string', boolean: 'boolean' } as const;

/** A type of a structured-merge-diff schema as a type of ours. Named types may be recursive. */
export function smdType(schema: unknown, name: string): TypeSchema {
  const atoms = new Map(((schema as SmdSchema).types ?? []).map((type) => [type.name, type]));
  const made = new Map<string, Draft>();
  const named = (typeName: string): TypeSchema => {
    const known = made.get(typeName);
    if (known) return known;
    const atom = atoms.get(typeName);
    if (!atom) return deducedType;
    const draft: Draft = { type: 'any' };
    made.set(typeName, draft);
    Object.assign(draft, ofAtom(atom, refer));
    return draft;
  };
  const refer = (ref: Ref): TypeSchema => {
    const type = ref.namedType === undefined ? ofAtom(ref, refer) : named(ref.namedType);
    if (ref.elementRelationship === undefined) return type;
    return ref.elementRelationship === 'atomic'
      ? { ...type, atomic: true, listType: 'atomic' }
      : { ...type, atomic: false, ...associative(ref.elementRelationship, type) };
  };
  return named(name);
}

function associative(relationship: string, type: TypeSchema): Partial<TypeSchema> {
  if (relationship !== 'associative') return {};
  return { listType: type.listMapKeys ? 'map' : 'set' };
}

function ofAtom(atom: Atom, refer: (ref: Ref) => TypeSchema): TypeSchema {
  const { scalar, map, list } = atom;
  const shapes = [scalar, map, list].filter((part) => part !== undefined).length;
  const object = map ? objectParts(map, refer) : {};
  const items = list ? listParts(list, refer) : {};
  if (shapes > 1) {
    const atomic = (!map || object.atomic === true) && (!list || items.listType === 'atomic');
    return { type: 'any', ...object, ...items, ...(map && atomic ? { atomic: true } : {}) };
  }
  if (map) return { type: 'object', ...object };
  if (list) return { type: 'list', ...items };
  return scalar === undefined || scalar === 'untyped'
    ? { type: 'int-or-string', format: 'untyped' }
    : { type: scalarTypes[scalar] };
}

function objectParts(map: NonNullable<Atom['map']>, refer: (ref: Ref) => TypeSchema): Partial<TypeSchema> {
  const fields = map.fields?.map(({ name, type, default: value }): [string, FieldSchema] => [
    name,
    { name, type: refer(type), ...(value === undefined ? {} : { default: value }) },
  ]);
  return {
    ...(fields ? { fields: new Map(fields) } : {}),
    ...(map.elementType ? { values: refer(map.elementType) } : {}),
    ...(map.elementRelationship === 'atomic' ? { atomic: true } : {}),
  };
}

function listParts(list: NonNullable<Atom['list']>, refer: (ref: Ref) => TypeSchema): Partial<TypeSchema> {
  const items = list.elementType ? { items: refer(list.elementType) } : {};
  if (list.elementRelationship !== 'associative') return { ...items, listType: 'atomic' };
  return list.keys ? { ...items, listType: 'map', listMapKeys: list.keys } : { ...items, listType: 'set' };
}
