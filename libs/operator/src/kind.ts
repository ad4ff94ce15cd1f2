import { apiVersionOf, type Condition, type JsonObject, type KubeObject, type Resource } from '@sluice/model';
import { buildDefinition } from './custom-resource-definition.ts';
import type { Fields, InputOf, Rule, ValuesOf } from './field.ts';

/** A column of `kubectl get`. */
export type Column = {
  readonly name: string;
  /** Where the value is, from the object: `.spec.replicas`. */
  readonly path: string;
  /** Default: string. */
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly description?: string;
  /** Shown only by `-o wide`. */
  readonly wide?: boolean;
};

/** What `kubectl scale` and autoscalers read and write, as paths into the object. */
export type ScalePaths = { readonly spec: string; readonly status: string; readonly selector?: string };

/** A version that is served besides the one that is stored. Objects are not converted: fields of one name mean the same. */
export type ServedVersion = {
  readonly version: string;
  /** Default: the fields of the stored version. What the version does not know is dropped from its view. */
  readonly spec?: Fields;
  readonly status?: Fields;
  /** Told to everyone who uses the version. */
  readonly deprecated?: string;
};

export type KindOptions<Spec extends Fields, Status extends Fields> = {
  readonly group: string;
  /** The version that is stored and that your code works with. */
  readonly version: string;
  readonly kind: string;
  /** Default: the kind in lower case and an s. */
  readonly plural?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default: Namespaced. */
  readonly scope?: 'Namespaced' | 'Cluster';
  readonly description: string;
  readonly spec: Spec;
  /** Rules over the whole spec. */
  readonly rules?: readonly Rule[];
  /** Besides `conditions` and `observedGeneration`, which every kind has. */
  readonly status?: Status;
  /** Besides Ready and Age, which come last. */
  readonly columns?: readonly Column[];
  readonly scale?: ScalePaths;
  readonly alsoServed?: readonly ServedVersion[];
};

/** What every kind has in its status. */
export type StatusBase = { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };

/** An object of a kind as it is stored. */
export type CustomObject<Spec, Status> = KubeObject<Spec, Status & StatusBase> & { readonly spec: Spec };

/** A kind of your own: where it is served, its CustomResourceDefinition, and a maker of objects. */
export type Kind<Spec extends Fields = Fields, Status extends Fields = Fields> = Resource & {
  readonly definition: KubeObject<JsonObject>;
  /** An object as somebody would write it. */
  build(
    metadata: {
      readonly name: string;
      readonly namespace?: string;
      readonly labels?: Readonly<Record<string, string>>;
    },
    spec: InputOf<Spec>,
  ): KubeObject<InputOf<Spec>>;
  /** Never set: it carries the static types. */
  readonly object?: CustomObject<ValuesOf<Spec>, ValuesOf<Status>>;
};

/** The type of the objects of a kind: `type Website = ObjectOf<typeof websites>`. */
export type ObjectOf<K extends { readonly object?: unknown }> = NonNullable<K['object']>;

/** Define a kind once: for the compiler, for the API server, and for your controllers. Throws a TypeError for names that no server takes. */
export function defineKind<const Spec extends Fields, const Status extends Fields = Record<never, never>>(
  options: KindOptions<Spec, Status>,
): Kind<Spec, Status> {
  const { group, version, kind, plural = `${kind.toLowerCase()}s`, scope = 'Namespaced' } = options;
  refuseBadNames(options, plural);
  const resource: Resource = { group, version, plural, kind, namespaced: scope === 'Namespaced' };
  return Object.freeze({
    ...resource,
    definition: buildDefinition(resource, options),
    build: (metadata: KubeObject['metadata'], spec: InputOf<Spec>): KubeObject<InputOf<Spec>> => ({
      apiVersion: apiVersionOf(resource),
      kind,
      metadata,
      spec,
    }),
  });
}

function refuseBadNames(options: KindOptions<Fields, Fields>, plural: string): void {
  const { group, kind, shortNames = [], version, alsoServed = [] } = options;
  const versions = [version, ...alsoServed.map((served) => served.version)];
  const label = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
  const problems = [
    !/^[A-Z][A-Za-z0-9]{0,62}$/.test(kind) && `kind ${JSON.stringify(kind)} must look like Site`,
    !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/.test(group) &&
      `group ${JSON.stringify(group)} must be a domain of yours with a dot, like apps.example.com`,
    ...versions.map(
      (name) =>
        !/^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$/.test(name) &&
        `version ${JSON.stringify(name)} must look like v1, v1beta1 or v1alpha1`,
    ),
    ...[plural, ...shortNames].map(
      (name) => !label.test(name) && `${JSON.stringify(name)} must be lower case letters, digits and dashes`,
    ),
    new Set(versions).size < versions.length && 'a version is named twice',
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw new TypeError(`defineKind ${kind}: ${problems.join('; ')}`);
}
