import type { Json, JsonObject, KubeObject } from '@sluice/model';

/** A value that is not an object or a list in JSON. `quantity` is a string that may come as a number. */
export type ScalarType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'int-or-string'
  | 'quantity'
  | 'time'
  | 'micro-time'
  | 'duration'
  | 'bytes';

/** How a list is merged. `atomic` = replaced as a whole; `set` = by value; `map` = by `listMapKeys`. */
export type ListType = 'atomic' | 'set' | 'map';

/** How strategic merge patch treats a field. A missing strategy of a list means `replace`. */
export type PatchStrategy = 'merge' | 'replace' | 'retainKeys' | 'merge,retainKeys';

/** One field of an object type. */
export type FieldSchema = {
  /** Name in JSON. */
  readonly name: string;
  readonly type: TypeSchema;
  /** Protobuf field number; absent in custom kinds. */
  readonly number?: number;
  /** Protobuf number of the inlined message that holds the field on the wire, while JSON has it one level up. */
  readonly via?: number;
  /** False: absent and zero are the same on the wire (a Go value); true: absent is absent (a Go pointer). */
  readonly pointer?: boolean;
  readonly required?: boolean;
  readonly default?: Json;
  readonly patchStrategy?: PatchStrategy;
  readonly patchMergeKey?: string;
  readonly description?: string;
};

/**
 * A node of the structural schema of a kind. The graph may be cyclic (JSONSchemaProps). `type` is `any` for a value of unknown shape; an
 * `any` node may still carry `fields`, `values` and `items`, which then hold for values of that shape.
 */
export type TypeSchema = {
  readonly type: ScalarType | 'object' | 'list' | 'any';
  /** Name of a shared type, as in OpenAPI: `io.k8s.api.core.v1.PodSpec`. */
  readonly name?: string;
  /** `int32`, `int64`, `double`, `date-time`, ... */
  readonly format?: string;
  /** Declared fields of an object. */
  readonly fields?: ReadonlyMap<string, FieldSchema>;
  /** Type of the values under names that `fields` lacks (a map when there are no fields). */
  readonly values?: TypeSchema;
  /** Type of list items. */
  readonly items?: TypeSchema;
  /** An object that is owned and replaced as a whole (x-kubernetes-map-type: atomic). */
  readonly atomic?: boolean;
  readonly listType?: ListType;
  readonly listMapKeys?: readonly string[];
  /** Unknown fields are kept (x-kubernetes-preserve-unknown-fields). */
  readonly preserveUnknownFields?: boolean;
  /** The value is itself a Kubernetes object. */
  readonly embeddedResource?: boolean;
  readonly nullable?: boolean;
  readonly default?: Json;
  readonly enum?: readonly Json[];
  readonly description?: string;
  /** On the wire a map or list is wrapped in a message with the single field 1 (ExtraValue). */
  readonly wrapped?: boolean;
  /** What the wire calls a value of unknown shape: RawExtension (`raw`), FieldsV1 (`raw`), JSON of a schema. */
  readonly rawWire?: boolean;
  /** The OpenAPI v3 schema of a custom kind that this node was built from: holds its validations. */
  readonly openApi?: JsonObject;
};

/** JSON paths (`.spec.replicas`) behind `/scale`. */
export type ScalePaths = {
  readonly specPath: string;
  readonly statusPath: string;
  readonly selectorPath?: string;
};

/** A cell of a Table row. */
export type Cell = Json;

/** A printer column. `cell` is pure; `now` is in milliseconds since 1970, for ages. */
export type Column = {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly description: string;
  /** 0: always shown; 1: only in `-o wide`. */
  readonly priority: number;
  readonly cell: (object: KubeObject, now: number) => Cell;
};

/** A verb that the collection or object of a kind answers to. */
export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** One served version of one kind. */
export type KindInfo = {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  /** False for kinds that only answer a POST and are never kept (reviews, bindings). */
  readonly stored: boolean;
  readonly subresources: { readonly status?: boolean; readonly scale?: ScalePaths };
  readonly schema: TypeSchema;
  readonly columns: readonly Column[];
  /** Field selectors besides metadata.name and metadata.namespace, as JSON paths without the leading dot. */
  readonly selectableFields: readonly string[];
  /** metadata.generation counts spec changes. */
  readonly counted: boolean;
  /** Built from a CustomResourceDefinition: no strategic merge patch, no protobuf. */
  readonly custom: boolean;
  /** The version that custom objects are stored in; equals `version` for built-in kinds. */
  readonly storageVersion: string;
  /** The webhook that converts between the versions; without it they differ in `apiVersion` only. */
  readonly conversion?: {
    readonly client: { readonly [key: string]: unknown };
    readonly reviewVersions: readonly string[];
  };
  /** Sent as a Warning header on every request. */
  readonly deprecationWarning?: string;
};

/** Why a value is refused, as in Status.details.causes. `reason` is a CauseType: FieldValueRequired, FieldValueInvalid, ... */
export type Cause = { readonly reason: string; readonly message: string; readonly field: string };

/** `apps/v1`, or `v1` for the core group. */
export function groupVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
