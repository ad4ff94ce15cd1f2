import type { Json, KubeObject } from '@sluice/model';
import { type Cause, groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import { isRecord } from '../kinds/object-access.ts';
import { builtinRules, nameRuleOf } from './builtin-rules.ts';
import { CelRules } from './cel-rules.ts';
import { validateDefinition } from './crd-definition.ts';
import { validateEmbedded } from './embedded.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts';
import { validateLists, validateOpenApi } from './open-api-validate.ts';
import { validateTypes } from './typed-check.ts';

/**
 * All reasons why the object may not be stored; `old` is the stored object of an update. Includes metadata. The resourceVersion is the
 * server's business: a missing one is no cause here.
 */
export function validateObject(kind: KindInfo, object: KubeObject, old?: KubeObject): readonly Cause[] {
  const key = `${groupVersionOf(kind)}/${kind.kind}`;
  const meta = metaCauses(kind, object, old, key);
  return kind.custom ? [...meta, ...customCauses(kind, object, old)] : [...meta, ...builtinCauses(kind, object, old)];
}

function metaCauses(kind: KindInfo, object: KubeObject, old: KubeObject | undefined, key: string): readonly Cause[] {
  const meta: unknown = object.metadata;
  if (!isRecord(meta)) return [{ reason: 'FieldValueRequired', field: 'metadata', message: 'Required value' }];
  const rules = { namespaced: kind.namespaced, isName: nameRuleOf(key) };
  const own = validateObjectMeta(meta, rules);
  const before: unknown = old?.metadata;
  const changes = isRecord(before)
    ? validateObjectMetaUpdate(meta, before).filter((cause) => cause.field !== 'metadata.resourceVersion')
    : [];
  const seen = new Set<string>();
  return [...own, ...changes].filter((cause) => {
    const text = `${cause.field} ${cause.message}`;
    return seen.has(text) ? false : seen.add(text) !== undefined;
  });
}

const rules = new CelRules();

/** CEL rules run only on objects that fit their schema. */
function customCauses(kind: KindInfo, object: KubeObject, old: KubeObject | undefined): readonly Cause[] {
  const schema = kind.schema.openApi ?? {};
  const value = object as unknown as Json;
  const causes = [
    ...validateOpenApi(schema, value),
    ...validateLists(schema, value),
    ...validateEmbedded(value, kind.schema),
  ];
  return causes.length > 0 ? causes : rules.validate(kind.schema, value, old as unknown as Json | undefined);
}

function builtinCauses(kind: KindInfo, object: KubeObject, old: KubeObject | undefined): readonly Cause[] {
  const types = validateTypes(kind.schema, object as unknown as Json).filter(
    (cause) => cause.field !== 'apiVersion' && cause.field !== 'kind',
  );
  if (types.some((cause) => cause.reason === 'FieldValueTypeInvalid')) return types;
  if (kind.kind === 'CustomResourceDefinition') return validateDefinition(object);
  const rule = builtinRules[`${groupVersionOf(kind)}/${kind.kind}`];
  return rule ? [...types, ...rule(object, old)] : types;
}
