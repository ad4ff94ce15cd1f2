import type { Json } from '@sluice/model';
import type { Cause, TypeSchema } from '../kinds/kind.ts';
import { getOwn, isList, isObject, type MutableObject } from '../patch/json-value.ts';
import { invalid, required } from './cause.ts';
import { isDns1035Label, isPathSegment } from '@sluice/expr';
import { validateAnnotations, validateFinalizers, validateLabels, validateOwnerReferences } from './object-meta.ts';

/** Problems of apiVersion, kind and metadata of every embedded resource, and of the value itself with `includeRoot`. */
export function validateEmbedded(
  value: Json,
  type: TypeSchema | undefined,
  path = '',
  includeRoot = false,
): readonly Cause[] {
  if (isList(value)) return value.flatMap((item, index) => validateEmbedded(item, type?.items, `${path}[${index}]`));
  if (!isObject(value) || type === undefined) return [];
  const isResource = includeRoot || type.embeddedResource === true;
  const own = isResource ? resourceCauses(value, path) : [];
  const inner = Object.keys(value).flatMap((name) => {
    const declared = type.fields?.get(name)?.type;
    const place = declared ? below(path, name) : `${path}[${name}]`;
    return validateEmbedded(value[name] ?? null, declared ?? type.values, place);
  });
  return [...own, ...inner];
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function resourceCauses(value: MutableObject, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const apiVersion = getOwn(value, 'apiVersion');
  const kind = getOwn(value, 'kind');
  if (typeof apiVersion !== 'string' || apiVersion === '')
    causes.push(required(below(path, 'apiVersion'), 'must not be empty'));
  else if (apiVersion.split('/').length > 2)
    causes.push(invalid(below(path, 'apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  if (typeof kind !== 'string' || kind === '') causes.push(required(below(path, 'kind'), 'must not be empty'));
  else causes.push(...isDns1035Label(kind.toLowerCase()).map((problem) => invalid(below(path, 'kind'), kind, problem)));
  const metadata = getOwn(value, 'metadata');
  return isObject(metadata) ? [...causes, ...metadataCauses(metadata, below(path, 'metadata'))] : causes;
}

function metadataCauses(metadata: MutableObject, field: string): readonly Cause[] {
  const name = getOwn(metadata, 'name');
  const namespace = getOwn(metadata, 'namespace');
  const segment = (value: Json | undefined, place: string) =>
    typeof value === 'string' && value !== ''
      ? isPathSegment(value).map((problem) => invalid(place, value, problem))
      : [];
  return [
    ...segment(name, `${field}.name`),
    ...(typeof namespace === 'string' && namespace !== '' && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/u.test(namespace)
      ? [invalid(`${field}.namespace`, namespace, 'must be the name of a namespace')]
      : []),
    ...validateLabels(getOwn(metadata, 'labels'), `${field}.labels`),
    ...validateAnnotations(getOwn(metadata, 'annotations'), `${field}.annotations`),
    ...validateOwnerReferences(getOwn(metadata, 'ownerReferences'), `${field}.ownerReferences`),
    ...validateFinalizers(getOwn(metadata, 'finalizers'), `${field}.finalizers`),
  ];
}
