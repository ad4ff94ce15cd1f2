import type { TypeSchema } from '../kinds/kind.ts';
import { PatchError } from './patch-error.ts';

/** How the value under a key is merged. `type` is undefined where the schema says nothing. */
export type MergeRule = {
  readonly type: TypeSchema | undefined;
  readonly strategy: 'merge' | 'replace' | undefined;
  readonly retainKeys: boolean;
  readonly mergeKey: string | undefined;
};

const free: MergeRule = { type: undefined, strategy: undefined, retainKeys: false, mergeKey: undefined };

/** The rule for a key of an object. Throws PatchError for a field that the type does not have. */
export function ruleFor(type: TypeSchema | undefined, key: string): MergeRule {
  const field = type?.fields?.get(key);
  if (field) {
    const strategies = field.patchStrategy?.split(',') ?? [];
    const strategy = strategies.includes('merge') ? 'merge' : strategies.includes('replace') ? 'replace' : undefined;
    return { type: field.type, strategy, retainKeys: strategies.includes('retainKeys'), mergeKey: field.patchMergeKey };
  }
  if (type?.values) return { ...free, type: type.values };
  if (type === undefined || type.type !== 'object' || type.preserveUnknownFields === true) return free;
  if (!type.fields) return free;
  throw new PatchError(422, `unable to find api field in struct ${shortName(type)} for the json field "${key}"`);
}

function shortName(type: TypeSchema): string {
  return type.name?.split('.').at(-1) ?? 'object';
}
