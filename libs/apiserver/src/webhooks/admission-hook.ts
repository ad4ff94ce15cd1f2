import type { KubeObject } from '@sluice/model';
import { groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { isRecord, type JsonRecord, listAt, recordAt, textAt, valueAt } from '../objects/json.ts';
import { labelSelectorOf, matchesLabels } from '../selector/label-selector.ts';

/** What somebody is about to do with an object. */
export type Admitted = {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly kind: KindInfo;
  /** All served versions of the kind. */
  readonly served: readonly KindInfo[];
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object?: KubeObject;
  readonly old?: KubeObject;
};

/** One webhook of a configuration. */
export type AdmissionHook = {
  readonly name: string;
  readonly client: JsonRecord;
  readonly ignoresFailure: boolean;
  readonly hasSideEffects: boolean;
  readonly timeoutMs: number;
  readonly reviewVersions: readonly unknown[];
  readonly conditions: readonly { readonly name: string; readonly expression: string }[];
  readonly isReinvoked: boolean;
  readonly spec: JsonRecord;
};

/** Where the configurations of webhooks are stored. */
export const configurations = {
  mutating: 'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  validating: 'validatingwebhookconfigurations.admissionregistration.k8s.io',
} as const;

/** Whether webhooks may be asked about the kind at all: nobody may lock himself out of the configurations. */
export function isHooked(kind: KindInfo): boolean {
  return kind.stored && !(kind.group === 'admissionregistration.k8s.io' && kind.plural.endsWith('configurations'));
}

/** The hooks of one sort that are meant for this, in the order in which they are called. */
export function hooksFor(objects: ObjectStore, sort: keyof typeof configurations, asked: Admitted): AdmissionHook[] {
  const entries = objects.collection(configurations[sort]).list('');
  if (entries.length === 0 || !isHooked(asked.kind)) return [];
  const hooks = entries.flatMap(({ object }) => listAt(object, 'webhooks').filter(isRecord));
  return hooks.filter((hook) => isMeant(objects, hook, asked)).map(readHook);
}

function readHook(spec: JsonRecord): AdmissionHook {
  const seconds = valueAt(spec, 'timeoutSeconds');
  return {
    name: textAt(spec, 'name'),
    client: recordAt(spec, 'clientConfig'),
    ignoresFailure: textAt(spec, 'failurePolicy') === 'Ignore',
    hasSideEffects: !['None', 'NoneOnDryRun'].includes(textAt(spec, 'sideEffects')),
    timeoutMs: (typeof seconds === 'number' ? Math.min(30, Math.max(1, seconds)) : 10) * 1_000,
    reviewVersions: listAt(spec, 'admissionReviewVersions'),
    conditions: listAt(spec, 'matchConditions').map((one) => ({
      name: textAt(one, 'name'),
      expression: textAt(one, 'expression'),
    })),
    isReinvoked: textAt(spec, 'reinvocationPolicy') === 'IfNeeded',
    spec,
  };
}

function isMeant(objects: ObjectStore, hook: JsonRecord, asked: Admitted): boolean {
  const rules = listAt(hook, 'rules').filter(isRecord);
  return (
    rules.some((rule) => matchesRule(rule, asked, textAt(hook, 'matchPolicy') !== 'Exact')) &&
    matchesNamespace(objects, hook, asked) &&
    [asked.object, asked.old].some((object) => object && selects(hook['objectSelector'], object))
  );
}

function matchesRule(rule: JsonRecord, asked: Admitted, isEquivalent: boolean): boolean {
  const { operation, kind, subresource } = asked;
  const versions = isEquivalent ? asked.served.map(({ version }) => version) : [kind.version];
  const has = (name: string, value: string): boolean => {
    const list = listAt(rule, name);
    return list.includes('*') || list.includes(value);
  };
  const scope = textAt(rule, 'scope') || '*';
  return (
    has('operations', operation) &&
    has('apiGroups', kind.group) &&
    versions.some((version) => has('apiVersions', version)) &&
    listAt(rule, 'resources').some((resource) => matchesResource(String(resource), kind.plural, subresource)) &&
    (scope === '*' || (scope === 'Namespaced') === kind.namespaced)
  );
}

/** A resource, or a resource and a subresource; each may be a star. */
function matchesResource(pattern: string, plural: string, subresource: string): boolean {
  const [resource, sub = ''] = pattern.split('/');
  if (resource !== '*' && resource !== plural) return false;
  return sub === '*' || sub === subresource;
}

function matchesNamespace(
  objects: ObjectStore,
  hook: JsonRecord,
  { kind, namespace, name, object }: Admitted,
): boolean {
  const selector = hook['namespaceSelector'];
  const isNamespace = kind.plural === 'namespaces' && kind.group === '';
  if (!kind.namespaced && !isNamespace) return true;
  const found = isNamespace ? object : objects.collection('namespaces').get(namespace)?.object;
  const stored = found ?? objects.collection('namespaces').get(name)?.object;
  return stored ? selects(selector, stored) : true;
}

/** Whether a label selector, which selects everything when it is empty or missing, selects the object. */
function selects(selector: unknown, object: KubeObject): boolean {
  if (!isRecord(selector)) return true;
  const read = labelSelectorOf(selector);
  return read.ok && read.value !== 'nothing' && matchesLabels(read.value, object.metadata.labels);
}

/** The version in which a hook wants the object: the request's, or the first that its rules name. */
export function versionFor(hook: AdmissionHook, kind: KindInfo, served: readonly KindInfo[]): KindInfo {
  const versions = listAt(hook.spec, 'rules')
    .filter((rule) => listAt(rule, 'apiGroups').some((group) => group === '*' || group === kind.group))
    .flatMap((rule) => listAt(rule, 'apiVersions'));
  if (versions.includes('*') || versions.includes(kind.version)) return kind;
  return served.find((other) => versions.includes(other.version)) ?? kind;
}

/** `{ group, version, kind }` as reviews write it. */
export function kindReference(kind: KindInfo): JsonRecord {
  return { group: kind.group, version: kind.version, kind: kind.kind };
}

/** `{ group, version, resource }`. */
export function resourceReference(kind: KindInfo): JsonRecord {
  return { group: kind.group, version: kind.version, resource: kind.plural };
}

/** `apps/v1, Kind=Deployment`. */
export function describeKind(kind: KindInfo): string {
  return `${groupVersionOf(kind)}, Kind=${kind.kind}`;
}
