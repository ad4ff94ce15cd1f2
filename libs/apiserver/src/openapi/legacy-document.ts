import { groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import { WireWriter } from '../protobuf/wire.ts';

const write = ['dryRun', 'fieldManager', 'fieldValidation'] as const;

/**
 * `/openapi/v2` as the protobuf message `openapi.v2.Document`: only the kinds and the parameters of their patches. kubectl
 * reads it for kinds that v3 does not have, to find out that nobody has them.
 */
export function legacyDocument(kinds: readonly KindInfo[]): Uint8Array {
  const patched = kinds.filter(({ stored }) => stored);
  const paths = message(...patched.map((kind) => [2, named(pathOf(kind), pathItem(kind))] as const));
  return message([1, '2.0'], [2, message([1, 'Kubernetes'], [2, 'v1.35.0'])], [8, paths]);
}

function pathOf({ group, version, plural, namespaced }: KindInfo): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}/{name}`;
}

/** A path with its PATCH (field 8 of PathItem). */
function pathItem(kind: KindInfo): Uint8Array {
  const { group, version } = kind;
  const reference = `group: ${JSON.stringify(group)}\nkind: ${kind.kind}\nversion: ${version}\n`;
  const extension = named('x-kubernetes-group-version-kind', message([2, reference]));
  const parameters = write.map((name) => [8, queryParameter(name)] as const);
  return message([8, message([5, `patch ${groupVersionOf(kind)} ${kind.kind}`], ...parameters, [13, extension])]);
}

/** ParametersItem → Parameter → NonBodyParameter → QueryParameterSubSchema. */
function queryParameter(name: string): Uint8Array {
  const schema = message([2, 'query'], [4, name], [6, 'string']);
  return message([1, message([2, message([3, schema])])]);
}

function named(name: string, value: Uint8Array): Uint8Array {
  return message([1, name], [2, value]);
}

/** A message of fields that are texts or messages. */
function message(...fields: readonly (readonly [number: number, value: string | Uint8Array])[]): Uint8Array {
  const writer = new WireWriter();
  for (const [number, value] of fields) writer.bytes(number, typeof value === 'string' ? Buffer.from(value) : value);
  return writer.finish();
}
