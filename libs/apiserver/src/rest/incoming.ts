import type { Json, KubeObject } from '@sluice/model';
import type { FieldValidation } from '../http/query.ts';
import { badRequest, type StatusError } from '../http/status-error.ts';
import { groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import { isRecord, show } from '../objects/json.ts';
import { prune, unknownFields } from '../schema/prune.ts';
import { validateTypes } from '../schema/typed-check.ts';

/** An object from a client, in the shape of its kind, with what it should be warned of. */
export type Incoming = { readonly object: KubeObject; readonly warnings: readonly string[] };

/** `problems` is what is wrong in the text of the body; `patched` says that a patch made the object. */
export type IncomingOptions = { readonly patched?: boolean; readonly problems?: readonly string[] };

/**
 * Turn a decoded body into an object of the kind: type checked, unknown fields dropped, and reported as the client
 * asked. Throws 400. What a patch made is not type checked here but when it is validated, as a whole.
 */
export function toObject(
  kind: KindInfo,
  value: unknown,
  validation: FieldValidation,
  { patched = false, problems = [] }: IncomingOptions = {},
): Incoming {
  if (!isRecord(value))
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): it is not an object`);
  const apiVersion = groupVersionOf(kind);
  const given = { apiVersion: value['apiVersion'] ?? apiVersion, kind: value['kind'] ?? kind.kind };
  if (given.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${show(given.apiVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (given.kind !== kind.kind) {
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): it is a ${show(given.kind)}`);
  }
  const metadata = value['metadata'] ?? {};
  if (!isRecord(metadata)) throw undecodable(kind, 'metadata must be an object');
  const object = { ...value, ...given, metadata: { name: '', ...metadata } } as unknown as KubeObject;
  if (!patched) checkTypes(kind, object);
  return withoutUnknown(kind, object, validation, problems);
}

function undecodable(kind: KindInfo, why: string): StatusError {
  return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);
}

/** Values of a built-in kind that are of another JSON type: for Kubernetes that is no object of the kind at all. */
function checkTypes(kind: KindInfo, object: KubeObject): void {
  if (kind.custom) return;
  const [wrong] = validateTypes(kind.schema, object as unknown as Json).filter(
    ({ reason, field }) => reason === 'FieldValueTypeInvalid' && field !== 'apiVersion' && field !== 'kind',
  );
  if (wrong) throw undecodable(kind, `${wrong.field}: ${wrong.message}`);
}

function withoutUnknown(
  kind: KindInfo,
  object: KubeObject,
  validation: FieldValidation,
  problems: readonly string[],
): Incoming {
  const unknown = validation === 'Ignore' ? [] : unknownFields(kind, object);
  const warnings = validation === 'Ignore' ? [] : [...problems, ...unknown.map((path) => `unknown field "${path}"`)];
  if (warnings.length > 0 && validation === 'Strict')
    throw undecodable(kind, `strict decoding error: ${warnings.join(', ')}`);
  return { object: prune(kind, object), warnings };
}
