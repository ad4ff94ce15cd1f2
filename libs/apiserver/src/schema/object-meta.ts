import type { Cause } from '../kinds/kind.ts';
import { isRecord, plainText } from '../kinds/object-access.ts';
import { forbidden, invalid, required, tooLong } from './cause.ts';
import { isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName, type NameCheck } from '@sluice/expr';

const maxAnnotationBytes = 256 * 1024;
const maxManager = 128;
const maxSubresource = 256;

type Meta = Readonly<Record<string, unknown>>;

/** Where an object lives and how it may be called. */
export type MetaRules = { readonly namespaced: boolean; readonly isName: NameCheck };

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);

/** Problems of metadata.labels (or any labels at `field`). */
export function validateLabels(labels: unknown, field = 'metadata.labels'): readonly Cause[] {
  if (!isRecord(labels))
    return labels === undefined || labels === null ? [] : [invalid(field, labels, 'must be a map of strings')];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...isQualifiedName(key).map((problem) => invalid(field, key, problem)),
    ...isLabelValue(String(value)).map((problem) => invalid(field, value, problem)),
  ]);
}

/** Problems of metadata.annotations. */
export function validateAnnotations(annotations: unknown, field = 'metadata.annotations'): readonly Cause[] {
  if (!isRecord(annotations))
    return annotations === undefined || annotations === null
      ? []
      : [invalid(field, annotations, 'must be a map of strings')];
  const entries = Object.entries(annotations);
  const size = entries.reduce((sum, [key, value]) => sum + bytesOf(key) + bytesOf(String(value)), 0);
  return [
    ...entries.flatMap(([key]) => isQualifiedName(key.toLowerCase()).map((problem) => invalid(field, key, problem))),
    ...(size > maxAnnotationBytes ? [tooLong(field, maxAnnotationBytes)] : []),
  ];
}

/** Problems of metadata.ownerReferences. */
export function validateOwnerReferences(references: unknown, field = 'metadata.ownerReferences'): readonly Cause[] {
  const causes: Cause[] = [];
  let controllers = 0;
  for (const reference of list(references)) {
    if (!isRecord(reference)) continue;
    const text = (name: string) => plainText(reference[name]);
    const version = text('apiVersion').split('/').at(-1) ?? '';
    if (version === '' || text('apiVersion').split('/').length > 2) {
      causes.push(invalid(`${field}.apiVersion`, text('apiVersion'), 'version must not be empty'));
    }
    for (const name of ['kind', 'name', 'uid']) {
      if (text(name) === '') causes.push(invalid(`${field}.${name}`, '', 'must not be empty'));
    }
    if (text('apiVersion') === 'v1' && text('kind') === 'Event') {
      causes.push(invalid(field, reference, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (reference['controller'] === true) controllers++;
  }
  if (controllers > 1) causes.push(invalid(field, references, 'Only one reference can have Controller set to true'));
  return causes;
}

/** Problems of a field manager's name. */
export function validateFieldManager(manager: string, field: string): readonly Cause[] {
  const causes: Cause[] = [];
  if (bytesOf(manager) > maxManager) causes.push(tooLong(field, maxManager));
  const bad = Array.from(manager).findIndex((char) => !/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char));
  if (bad >= 0) {
    const code = (Array.from(manager)[bad]?.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    causes.push(invalid(field, manager, `invalid character U+${code} (at position ${bad})`));
  }
  return causes;
}

/** Problems of metadata.managedFields. */
export function validateManagedFields(entries: unknown, field = 'metadata.managedFields'): readonly Cause[] {
  return list(entries).flatMap((entry, index) => {
    if (!isRecord(entry)) return [];
    const at = `${field}[${index}]`;
    const { operation, fieldsType, manager, subresource } = entry;
    const causes: Cause[] = [];
    if (operation !== 'Apply' && operation !== 'Update')
      causes.push(invalid(`${at}.operation`, operation, 'must be `Apply` or `Update`'));
    if (fieldsType !== undefined && fieldsType !== '' && fieldsType !== 'FieldsV1')
      causes.push(invalid(`${at}.fieldsType`, fieldsType, 'must be `FieldsV1`'));
    causes.push(...validateFieldManager(plainText(manager), `${at}.manager`));
    if (plainText(subresource).length > maxSubresource) causes.push(tooLong(`${at}.subresource`, maxSubresource));
    return causes;
  });
}

/** Problems of metadata.finalizers. */
export function validateFinalizers(finalizers: unknown, field = 'metadata.finalizers'): readonly Cause[] {
  const names = list(finalizers).map(String);
  const causes = names.flatMap((name) => isQualifiedName(name).map((problem) => invalid(field, name, problem)));
  if (names.includes('orphan') && names.includes('foregroundDeletion')) {
    causes.push(invalid(field, names, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return causes;
}

/** Problems of a whole metadata. */
export function validateObjectMeta(meta: Meta, rules: MetaRules, field = 'metadata'): readonly Cause[] {
  return [
    ...nameCauses(meta, rules, field),
    ...namespaceCauses(meta, rules, field),
    ...(Number(meta['generation'] ?? 0) < 0
      ? [invalid(`${field}.generation`, meta['generation'], 'must be greater than or equal to 0')]
      : []),
    ...validateLabels(meta['labels'], `${field}.labels`),
    ...validateAnnotations(meta['annotations'], `${field}.annotations`),
    ...validateOwnerReferences(meta['ownerReferences'], `${field}.ownerReferences`),
    ...validateFinalizers(meta['finalizers'], `${field}.finalizers`),
    ...validateManagedFields(meta['managedFields'], `${field}.managedFields`),
  ];
}

function nameCauses(meta: Meta, { isName }: MetaRules, field: string): readonly Cause[] {
  const name = plainText(meta['name']);
  if (name === '') return [required(`${field}.name`, 'name or generateName is required')];
  return isName(name).map((problem) => invalid(`${field}.name`, name, problem));
}

function namespaceCauses(meta: Meta, { namespaced }: MetaRules, field: string): readonly Cause[] {
  const namespace = plainText(meta['namespace']);
  if (!namespaced) return namespace === '' ? [] : [forbidden(`${field}.namespace`, 'not allowed on this type')];
  if (namespace === '') return [required(`${field}.namespace`)];
  return isDns1123Label(namespace).map((problem) => invalid(`${field}.namespace`, namespace, problem));
}

const immutable = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'];

/** Problems of a change of metadata. */
export function validateObjectMetaUpdate(meta: Meta, old: Meta, field = 'metadata'): readonly Cause[] {
  const causes: Cause[] = [];
  for (const name of immutable) {
    const value = meta[name] ?? (name === 'uid' || name === 'namespace' || name === 'name' ? '' : null);
    if (plainText(meta[name]) !== plainText(old[name]))
      causes.push(invalid(`${field}.${name}`, value, 'field is immutable'));
  }
  if (Number(meta['generation'] ?? 0) < Number(old['generation'] ?? 0)) {
    causes.push(invalid(`${field}.generation`, meta['generation'] ?? 0, 'must not be decremented'));
  }
  if (plainText(meta['resourceVersion']) === '') {
    causes.push(invalid(`${field}.resourceVersion`, '', 'must be specified for an update'));
  }
  return [
    ...causes,
    ...newFinalizers(meta, old, field),
    ...validateLabels(meta['labels'], `${field}.labels`),
    ...validateAnnotations(meta['annotations'], `${field}.annotations`),
    ...validateOwnerReferences(meta['ownerReferences'], `${field}.ownerReferences`),
    ...validateManagedFields(meta['managedFields'], `${field}.managedFields`),
  ];
}

function newFinalizers(meta: Meta, old: Meta, field: string): readonly Cause[] {
  if (old['deletionTimestamp'] === undefined || old['deletionTimestamp'] === null) return [];
  const before = new Set(list(old['finalizers']));
  const added = list(meta['finalizers']).filter((name) => !before.has(name));
  if (added.length === 0) return [];
  return [
    forbidden(
      `${field}.finalizers`,
      `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
    ),
  ];
}

/** The name rule of most kinds. */
export const subdomainName: NameCheck = isDns1123Subdomain;
